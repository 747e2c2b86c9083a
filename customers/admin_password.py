"""One's own password, changed in the admin: a browser that was left open is no place to try passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse_lazy

from core.clock import now
from core.limits import RateLimitedError
from customers.admin_login import frame, origin_of, too_many
from customers.services import Origin, WrongPasswordError, check_own_password
from customers.services.staff_login import note

if TYPE_CHECKING:  # unfold carries no types; what it extends does
    from django.contrib.admin.forms import AdminPasswordChangeForm as PlainForm
else:
    from unfold.forms import AdminOwnPasswordChangeForm as PlainForm


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
