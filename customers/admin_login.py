"""The door of the admin: the password, then the code of who has a second factor. Neither lets in alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from core.clock import now
from core.limits import Counted, RateLimitedError, allowance, endpoint_of
from core.net import client_ip
from customers.devices import Device, device_of, is_trusted, known, remember, trusted
from customers.models import SecondFactor, User
from customers.services import InvalidCredentialsError, Origin, WrongCodeError, check_code, check_staff_login
from customers.services.second_factor import SecondFactorStateError
from customers.services.staff_login import note
from customers.staff_sessions import lacks_second_factor

if TYPE_CHECKING:  # unfold carries no types; what it extends does
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm

    CodeView = FormView["CodeForm"]
else:
    from unfold.forms import AuthenticationForm

    CodeView = FormView

HALF_WAY = "half_way"
"""In the session of somebody who has shown the password and not yet the code. It is nobody's login."""
PATIENCE = timedelta(minutes=10)
"""To show the code. Then the password is asked for again."""
CODE_ATTRS = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "maxlength": "40"}


def origin_of(request: HttpRequest) -> Origin:
    """Where a guess comes from."""
    return Origin(client_ip(request), endpoint_of(request), device_of(request))


def too_many(counted: Counted) -> str:
    """When to come again, for people."""
    minutes = -(-counted.seconds // 60)
    wait = f"{minutes} minutes" if minutes > 1 else "a minute"
    return f"Too many tries. Nothing is looked at now, not even what is right: come again in {wait}."


class StaffLoginForm(AuthenticationForm):
    """E-mail and password, tried by the one service that may."""

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        """Finds the account.

        Raises:
            RateLimitedError
            ValidationError: they do not belong together, or it is no account of staff.
        """
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            try:
                origin = origin_of(self.request)
                self.user_cache = check_staff_login(email=email, password=password, origin=origin, now=now())
            except InvalidCredentialsError as error:
                raise self.get_invalid_login_error() from error
        return self.cleaned_data


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        label="Code", max_length=40, widget=UnfoldAdminTextInputWidget(attrs=CODE_ATTRS | {"autofocus": ""})
    )
    remember = forms.BooleanField(
        label="Ask for no code in this browser for 30 days", required=False, widget=UnfoldBooleanWidget()
    )


class LimitedForm:
    """A form that tells who comes too often when to come again."""

    request: HttpRequest
    template_name: str

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Counts, then looks at what was sent."""
        try:
            if (counting := allowance(request, "login")) is not None:
                counting.check()
            answer: HttpResponse = super().post(request, *args, **kwargs)  # type: ignore[misc] # the view's
        except RateLimitedError as error:
            return self.refuse(error.counted)
        return answer

    def refuse(self, counted: Counted) -> HttpResponse:
        """The page with the time to wait in the place of its form."""
        context = frame(self.request) | {"too_many": too_many(counted)}
        page = TemplateResponse(self.request, self.template_name, context, status=429)
        for name, text in counted.headers.items():
            page[name] = text
        return page


def frame(request: HttpRequest) -> dict[str, Any]:
    """What every page of the admin shows around itself."""
    request.current_app = admin.site.name
    told = {"title": "Log in", "app_path": request.get_full_path(), "username": request.user.get_username()}
    return admin.site.each_context(request) | told


class StaffLoginView(LimitedForm, LoginView):
    """`/admin/login/`: the password."""

    authentication_form = StaffLoginForm
    template_name = "admin/customers/login.html"
    next_page = "admin:index"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return redirect("admin:index")
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | frame(self.request)

    def form_valid(self, form: Any) -> HttpResponse:
        user: User = form.get_user()
        device, onward = device_of(self.request), self.get_success_url()
        factor = SecondFactor.objects.filter(user=user).first()
        if factor is not None and not is_trusted(user, factor, device, now=now()):
            go_half_way(self.request, user, onward)
            return redirect("login_code")
        if lacks_second_factor(user):
            go_half_way(self.request, user, onward)
            return redirect("login_enrol")
        return let_in(self.request, user, onward, device=known(user, device))


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class LoginCodeView(LimitedForm, CodeView):
    """`/admin/login/code/`: the second factor of whoever has shown the password."""

    form_class = CodeForm
    template_name = "admin/customers/login_code.html"
    user: User
    onward: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = half_way(request)
        if found is None:
            return redirect("admin:login")
        self.user, self.onward = found
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | frame(self.request)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        origin = origin_of(self.request)
        try:
            check_code(user=self.user, code=form.cleaned_data["code"], origin=origin, now=now())
        except (WrongCodeError, SecondFactorStateError) as error:
            form.add_error("code", ValidationError(str(error.text)))
            return self.form_invalid(form)
        device = known(self.user, origin.device)
        if form.cleaned_data["remember"]:
            device = trusted(self.user, SecondFactor.objects.get(user=self.user), device, now=now())
        return let_in(self.request, self.user, self.onward, device=device)


def go_half_way(request: HttpRequest, user: User, onward: str) -> None:
    """Notes in a new session that this account's password was shown. Whoever was logged in before is not any more."""
    request.session.flush()
    state = user.get_session_auth_hash()
    request.session[HALF_WAY] = {"user": user.pk, "state": state, "at": now().timestamp(), "onward": onward}


def half_way(request: HttpRequest) -> tuple[User, str] | None:
    """Who has shown the password a moment ago, and where they wanted to go; None for anybody else."""
    noted: Mapping[str, Any] = request.session.get(HALF_WAY, {})
    if not noted or not is_recent(noted["at"], now()):
        return None
    user = User.objects.filter(pk=noted["user"], is_active=True).first()
    if user is None or not constant_time_compare(noted["state"], user.get_session_auth_hash()):
        return None
    return user, noted["onward"]


def is_recent(at: float, instant: datetime) -> bool:
    """Whether it was within the time that there is for the code."""
    return instant.timestamp() - at < PATIENCE.total_seconds()


def let_in(request: HttpRequest, user: User, onward: str, *, device: Device) -> HttpResponse:
    """Logs in, in a session of a new key, and makes the browser one that the account is known in."""
    request.session.pop(HALF_WAY, None)
    login(request, user)
    note(user, f"Logged in, from {origin_of(request).network}.")
    answer = HttpResponseRedirect(onward or reverse(settings.LOGIN_REDIRECT_URL))
    remember(answer, device)
    return answer
