"""*My second factor*: set up, renewed and switched off by everybody for themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from core.clock import now
from core.errors import DomainError
from core.limits import RateLimitedError
from customers.admin_login import CODE_ATTRS, frame, half_way, let_in, origin_of, too_many
from customers.devices import known
from customers.models import RecoveryCode, User
from customers.sealing import SealBrokenError, seal, unseal
from customers.services import (
    SecondFactorStateError,
    WrongPasswordError,
    enrol,
    forget_browsers,
    renew_recovery_codes,
    switch_off,
)
from customers.services.second_factor import address_of, new_secret

PROPOSED = "proposed_factor"
"""In the session of whoever sets one up: the secret, sealed. Another session proposes another."""


class ShowCodeForm(forms.Form):
    """A code."""

    code = forms.CharField(label="Code", max_length=40, widget=UnfoldAdminTextInputWidget(attrs=CODE_ATTRS))


class SwitchOffForm(ShowCodeForm):
    """A code, and the password: whoever finds a browser left open has neither."""

    password = forms.CharField(
        label="Password", widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"})
    )
    field_order = ("password", "code")


class NoForm(forms.Form):
    """A button alone."""


FORMS: dict[str, type[forms.Form]] = {
    "enrol": ShowCodeForm,
    "renew": ShowCodeForm,
    "forget": NoForm,
    "off": SwitchOffForm,
}


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class SecondFactorView(View):
    """`/admin/second-factor/`. What is to be done stands in `do`, a name of `FORMS`."""

    template_name = "admin/customers/second_factor.html"

    @property
    def user(self) -> User:
        """Whose."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - for the type checker: the admin lets nobody else in
        return user

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page()

    def post(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("do", "")
        acts: dict[str, Callable[[forms.Form], HttpResponse]] = {
            "enrol": self.enrol, "renew": self.renew, "forget": self.forget, "off": self.off
        }  # fmt: skip
        if name not in acts:
            return self.page()
        form = FORMS[name](request.POST, prefix=name)
        if not form.is_valid():
            return self.page(**{name: form})
        try:
            return acts[name](form)
        except RateLimitedError as error:
            return self.refuse(error)
        except DomainError as error:
            form.add_error(field_of(error, form), ValidationError(str(error.text)))
            return self.page(**{name: form})

    def enrol(self, form: forms.Form) -> HttpResponse:
        """Takes the proposed secret, if the app shows a code of it."""
        secret, code = self.proposed(), form.cleaned_data["code"]
        codes = enrol(user=self.user, secret=secret, code=code, origin=origin_of(self.request), now=now())
        self.request.session.pop(PROPOSED, None)
        return self.enrolled(codes)

    def enrolled(self, codes: list[str]) -> HttpResponse:
        """This login goes on, in a session of a new key; the others of the account have ended."""
        update_session_auth_hash(self.request, self.user)
        return self.page(codes=codes)

    def renew(self, form: forms.Form) -> HttpResponse:
        """New recovery codes."""
        code, origin = form.cleaned_data["code"], origin_of(self.request)
        return self.page(codes=renew_recovery_codes(user=self.user, code=code, origin=origin, now=now()))

    def forget(self, form: forms.Form) -> HttpResponse:
        """Every browser is asked again."""
        forget_browsers(user=self.user)
        messages.success(self.request, "Every browser is asked for a code again.")
        return redirect("second_factor")

    def off(self, form: forms.Form) -> HttpResponse:
        """No second factor any more."""
        switch_off(user=self.user, origin=origin_of(self.request), now=now(), **form.cleaned_data)
        update_session_auth_hash(self.request, self.user)
        messages.success(self.request, "Your second factor is switched off.")
        return redirect("second_factor")

    def refuse(self, error: RateLimitedError) -> HttpResponse:
        """Says when to come again."""
        page = self.page(too_many=too_many(error.counted))
        page.status_code = 429
        for name, text in error.counted.headers.items():
            page[name] = text
        return page

    def page(self, **more: Any) -> HttpResponse:
        """The page as the account is now."""
        blank = {name: form(prefix=name) for name, form in FORMS.items()}
        context = frame(self.request) | {"title": "My second factor", "account": self.user} | blank | more
        if self.user.second_factor_since is None:
            context |= self.proposal()
        else:
            context["left"] = RecoveryCode.objects.filter(factor__user=self.user, used_at=None).count()
        return TemplateResponse(self.request, self.template_name, context)

    def proposal(self) -> dict[str, Any]:
        """The secret to share with an app, as a picture and as text."""
        secret = self.proposed()
        groups = [secret[at : at + 4] for at in range(0, len(secret), 4)]
        return {"qr": qr_code(address_of(self.user, secret)), "key": " ".join(groups)}

    def proposed(self) -> str:
        """The session's secret; a new one if there is none."""
        try:
            return unseal(self.request.session.get(PROPOSED, ""))
        except SealBrokenError:
            secret = new_secret()
            self.request.session[PROPOSED] = seal(secret)
            return secret


class LoginEnrolView(SecondFactorView):
    """`/admin/login/second-factor/`: the same for whoever has shown the password where a second factor is required.
    They are logged in once they have one.
    """

    template_name = "admin/customers/login_enrol.html"
    found: tuple[User, str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = half_way(request)
        if found is None or found[0].second_factor_since is not None:
            return redirect("admin:login")
        self.found = found
        return super().dispatch(request, *args, **kwargs)

    @property
    def user(self) -> User:
        return self.found[0]

    def enrolled(self, codes: list[str]) -> HttpResponse:
        """Logs in; the codes come first, then the page that was asked for."""
        user, onward = self.found
        device = known(user, origin_of(self.request).device)
        cookies = let_in(self.request, user, onward, device=device).cookies
        page = self.page(codes=codes, onward=onward)
        page.cookies.update(cookies)
        return page


def field_of(error: DomainError, form: forms.Form) -> str | None:
    """Beside which field an error is said."""
    if isinstance(error, SecondFactorStateError):
        return None
    return "password" if isinstance(error, WrongPasswordError) else "code"


def qr_code(text: str) -> SafeString:
    """A QR code as SVG, black on white whatever the page's colours: cameras want it so."""
    drawn = segno.make(text, error="m").svg_inline(light="#fff", border=4, omitsize=True, svgclass=None, lineclass=None)
    return mark_safe(drawn)  # noqa: S308 - squares
