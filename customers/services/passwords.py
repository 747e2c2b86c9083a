"""Passwords: checked at the login, changed, forgotten and set anew."""

from __future__ import annotations

import logging
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from core import mail
from core.errors import DomainError, InvalidInputError
from customers.emails import normal_email
from customers.letters import PASSWORD_CHANGED, PASSWORD_RESET
from customers.models import Customer, EmailChange, Registration, User
from customers.selectors import is_staff, may_log_in, may_reset
from customers.services.linking import link_customer
from customers.tokens import RESET, LinkInvalidError, claims_of, state_of

log = logging.getLogger(__name__)


class InvalidCredentialsError(DomainError):
    """Address and password do not belong together. Says the same of an address that nobody has, of a blocked customer
    and of staff, who use the admin.
    """

    code, status = "INVALID_CREDENTIALS", 401
    message = _("This e-mail address and this password do not belong together.")


class WrongPasswordError(DomainError):
    """Whoever is logged in did not say the account's password."""

    message = _("This is not your password.")

    def __init__(self) -> None:
        super().__init__(details={"currentPassword": [str(self.message)]})


def check_login(*, email: str, password: str) -> Customer:
    """The customer who logs in, with the account. One statement and one hash, whoever has the address. A password of
    staff is not tried here: that is done at their own door alone (`services.staff_login`), where guesses are counted.

    Raises:
        InvalidCredentialsError
    """
    user = User.objects.with_email(normal_email(email)).select_related("customer").first()
    if user is None or is_staff(user):
        make_password(password)  # takes as long as the check that it stands for
        raise InvalidCredentialsError
    if not user.check_password(password) or not may_log_in(user):
        raise InvalidCredentialsError
    return user.customer


def check_strength(password: str, user: User) -> None:
    """Whether a new password may be used (`AUTH_PASSWORD_VALIDATORS`).

    Raises:
        InvalidInputError: `details.password` says why not.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInputError(
            _("Please choose another password."), details={"password": list(error.messages)}
        ) from error


def ask_for_reset(*, email: str, language: str, now: datetime) -> None:
    """Lets the address be sent a link, if it has an account: that finds out the job that sends the mail."""
    mail.queue(kind=PASSWORD_RESET, recipient=normal_email(email), language=language, now=now)


def reset_password(*, token: str, password: str, language: str, now: datetime) -> None:
    """Sets the password of whoever was sent this link. Every session of the account ends.

    Raises:
        LinkInvalidError, InvalidInputError
    """
    claims = claims_of(token, RESET)
    user = User.objects.filter(pk=claims["user"]).select_related("customer").first()
    if user is None or not may_reset(user) or not holds(claims["state"], user):
        raise LinkInvalidError
    check_strength(password, user)
    encoded = make_password(password)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if not holds(claims["state"], locked):
            raise LinkInvalidError
        set_password(locked, encoded=encoded, language=language, now=now)
        if not hasattr(locked, "customer"):  # an account that staff made, proven by this link
            link_customer(locked, since=now)


def holds(state: str, user: User) -> bool:
    """Whether the account is still as it was when the link was made."""
    return constant_time_compare(state, state_of(user))


def set_password(user: User, *, encoded: str, language: str, now: datetime) -> None:
    """Writes a new password, in the caller's transaction. Sessions end by it, as do links to reset it; so does a change
    of address that somebody began who knew the old one, and whatever strangers registered with the address.
    """
    user.password = encoded
    user.save(update_fields=["password"])
    log.info("the password of account %s is another", user.pk)
    EmailChange.objects.filter(user=user).delete()
    Registration.objects.with_email(user.email).delete()
    context = {"user": user.pk}
    mail.queue(kind=PASSWORD_CHANGED, recipient=user.email, language=language, context=context, now=now)
