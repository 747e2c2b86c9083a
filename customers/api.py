"""Customers' accounts over HTTP. Answers about an address are the same whether it has an account or not."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import login, logout, update_session_auth_hash
from django.middleware.csrf import get_token
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from core import personal_data
from core.api import success
from core.clock import now
from core.csrf import comes_from_elsewhere
from core.limits import endpoint_of, hit
from core.net import client_ip
from core.personal import PersonalView
from core.schema import enveloped
from core.serializers import valid
from core.visits import log_in_visit, log_out_visit
from customers import services
from customers.emails import normal_email
from customers.models import Customer, User
from customers.selectors import customer_of, subject_of
from customers.serializers import (
    AcceptedOut,
    AccountIn,
    AccountOut,
    CurrentPasswordIn,
    DoneOut,
    EmailIn,
    ExportOut,
    LoginIn,
    RegisterIn,
    TokenIn,
    account_body,
    change_of,
)

log = logging.getLogger(__name__)
LOOK_INTO_YOUR_MAIL = _("Please look into your mail.")


def language() -> str:
    """What whoever asks reads."""
    return get_language() or "en"


def count_guess(request: Request, email: str) -> None:
    """Counts a password that is shown for an address.

    Raises:
        RateLimitedError: one too many.
    """
    asked = request._request
    hit("login_email", normal_email(email), address=client_ip(asked), endpoint=endpoint_of(asked))


def accepted() -> Response:
    """The one answer to whoever asks for a mail."""
    return success(AcceptedOut({"accepted": True}).data, status=202, message=LOOK_INTO_YOUR_MAIL)


class DoorView(PersonalView):
    """What one asks before being logged in. A page of a foreign origin may not: it could log its visitors in as
    somebody else. The request's own login counts for nothing.
    """

    authentication_classes: Any = []
    refuses: tuple[int, ...] = (403,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if comes_from_elsewhere(request._request):
            raise exceptions.PermissionDenied("CSRF Failed: the origin is not ours")


class RegisterView(DoorView):
    """Asks for an account: the address is sent a link. Logs nobody in."""

    limit = "register"

    @extend_schema(request=RegisterIn, responses={202: enveloped(AcceptedOut, "Register")})
    def post(self, request: Request) -> Response:
        services.register(**valid(RegisterIn(data=request.data)), language=language(), now=now())
        return accepted()


class VerifyEmailView(DoorView):
    """Proves an address by the link that was sent there and the password chosen with it. Logs nobody in."""

    limit = "login"
    refuses = (401, 403)

    @extend_schema(request=TokenIn, responses=enveloped(DoneOut, "VerifyEmail"))
    def post(self, request: Request) -> Response:
        services.verify_email(**valid(TokenIn(data=request.data)), language=language(), now=now())
        return success(DoneOut({"done": True}).data, message=_("Your e-mail address is confirmed. Please log in."))


class LoginView(DoorView):
    """Logs a customer in; the visit becomes the customer's."""

    limit = "login"
    refuses = (401, 403)

    @extend_schema(request=LoginIn, responses=enveloped(AccountOut, "Login"))
    def post(self, request: Request) -> Response:
        data = valid(LoginIn(data=request.data))
        count_guess(request, data["email"])
        customer = services.check_login(**data)
        login(request._request, customer.user)
        log.info("customer %s logged in", customer.pk)
        log_in_visit(request, customer_id=customer.pk)
        return account_answer(request, customer)


class LogoutView(DoorView):
    """Logs out and ends the visit."""

    authentication_classes = PersonalView.authentication_classes

    @extend_schema(request=None, responses=enveloped(DoneOut, "Logout"))
    def post(self, request: Request) -> Response:
        logout(request._request)
        log_out_visit(request)
        return success(DoneOut({"done": True}).data)


class ResetPasswordView(DoorView):
    """Asks for a new password: the address is sent a link if it has an account."""

    limit = "password_reset"

    @extend_schema(request=EmailIn, responses={202: enveloped(AcceptedOut, "ResetPassword")})
    def post(self, request: Request) -> Response:
        services.ask_for_reset(**valid(EmailIn(data=request.data)), language=language(), now=now())
        return accepted()


class ConfirmResetView(DoorView):
    """Sets a new password by the link that was sent. Ends every session of the account, and logs nobody in."""

    limit = "password_reset"

    @extend_schema(request=TokenIn, responses=enveloped(DoneOut, "ConfirmReset"))
    def post(self, request: Request) -> Response:
        services.reset_password(**valid(TokenIn(data=request.data)), language=language(), now=now())
        return success(DoneOut({"done": True}).data, message=_("Your password was changed. Please log in."))


class CustomerView(PersonalView):
    """What belongs to the customer who is logged in. To the shop, staff are nobody."""

    needs_login = True
    customer: Customer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        found = customer_of(request.user)
        if found is None:
            raise exceptions.NotAuthenticated
        self.customer = found

    @property
    def user(self) -> User:
        """The customer's account."""
        assert self.customer.user is not None  # noqa: S101 - for the type checker
        return self.customer.user


class AccountView(CustomerView):
    """One's own account."""

    @extend_schema(responses=enveloped(AccountOut, "Account"))
    def get(self, request: Request) -> Response:
        log_in_visit(request, customer_id=self.customer.pk)  # a new visit of somebody still logged in
        return account_answer(request, self.customer)

    @extend_schema(request=AccountIn, responses=enveloped(AccountOut, "ChangedAccount"))
    def patch(self, request: Request) -> Response:
        change = change_of(valid(AccountIn(data=request.data)))
        if change.needs_password:
            count_guess(request, self.user.email)
        services.change_account(user=self.user, customer=self.customer, change=change, language=language(), now=now())
        if change.password is not None:
            update_session_auth_hash(request._request, self.user)
        found = customer_of(request.user) or self.customer
        return account_answer(request, found, message=LOOK_INTO_YOUR_MAIL if change.email is not None else "")

    @extend_schema(request=CurrentPasswordIn, responses=enveloped(DoneOut, "ErasedAccount"))
    def delete(self, request: Request) -> Response:
        data = valid(CurrentPasswordIn(data=request.data))
        count_guess(request, self.user.email)
        services.check_current(self.user, data["current_password"])
        subject = subject_of(self.customer)
        log_out_visit(request)
        personal_data.erase(subject, now=now())
        logout(request._request)
        return success(DoneOut({"done": True}).data)


class ExportAccountView(CustomerView):
    """Everything held about whoever asks."""

    @extend_schema(responses=enveloped(ExportOut, "ExportAccount"))
    def get(self, request: Request) -> Response:
        held = personal_data.export(subject_of(self.customer))
        headers = {"Content-Disposition": 'attachment; filename="account.json"'}
        return success({"exportedAt": now(), "held": held}, headers=headers)


def account_answer(request: Request, customer: Customer, *, message: Any = "") -> Response:
    """The account as the API shows it, with the token for what comes next."""
    body = account_body(customer, csrf_token=get_token(request._request))
    return success(AccountOut(body).data, message=message)
