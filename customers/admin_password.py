"""Passwords that are changed in the admin. One's own: a browser that was left open is no place to try passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse_lazy

from core.clock import now
from core.limits import RateLimitedError
from customers.admin_login import frame, origin_of, too_many
from customers.models import User
from customers.services import Origin, WrongPasswordError, check_own_password
from customers.services.passwords import set_password
from customers.services.staff_login import note

if TYPE_CHECKING:  # unfold carries no types; what it extends does
    from django.contrib.admin.forms import AdminPasswordChangeForm as PlainForm
    from django.contrib.auth.forms import AdminPasswordChangeForm as PlainOther

    PlainOtherForm = PlainOther[User]
else:
    from unfold.forms import AdminOwnPasswordChangeForm as PlainForm
    from unfold.forms import AdminPasswordChangeForm as PlainOtherForm


@transaction.atomic
def write(user: User) -> User:
    """Writes the password that a form of Django's has set: with all that another password ends, and a mail about it."""
    set_password(user, encoded=user.password, language=settings.LANGUAGE_CODE, now=now())
    return user


class PasswordForm(PlainOtherForm):
    """Somebody else's password, set for them."""

    def save(self, commit: bool = True) -> User:
        return write(super().save(commit=False))


class OwnPasswordForm(PlainForm):
    """The old password is tried by the one service that may."""

    def __init__(self, *args: Any, origin: Origin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.origin = origin

    def clean_old_password(self) -> str:
        """Whether it is the password.

        Raises:
            RateLimitedError
            ValidationError: it is not.
        """
        password: str = self.cleaned_data["old_password"]
        try:
            check_own_password(user=self.user, password=password, origin=self.origin, now=now())
        except WrongPasswordError as error:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect") from error
        return password

    def save(self, commit: bool = True) -> User:
        return write(super().save(commit=False))


class OwnPasswordView(PasswordChangeView):
    """`/admin/password_change/`. Every other login of the account ends."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")
    template_name = "registration/password_change_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"origin": origin_of(self.request)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return frame(self.request) | super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().post(request, *args, **kwargs)
        except RateLimitedError as error:
            return self.refuse(error)

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        note(form.user, "Own password changed.")
        return answer

    def blank(self) -> OwnPasswordForm:
        """The form with nothing in it."""
        return OwnPasswordForm(self.request.user, origin=origin_of(self.request))

    def refuse(self, error: RateLimitedError) -> HttpResponse:
        """The page, which says when to come again."""
        context = self.get_context_data(form=self.blank()) | {"too_many": too_many(error.counted)}
        page = TemplateResponse(self.request, "admin/customers/password_change.html", context, status=429)
        for name, text in error.counted.headers.items():
            page[name] = text
        return page
