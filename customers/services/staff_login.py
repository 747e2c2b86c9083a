"""The door of the back office: whose passwords are tried there, how often, and what the log says of it.

No other door tries a password of staff: the API's login takes theirs for unknown (`services.passwords`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType

from core import counts
from core.limits import RateLimitedError, hit
from core.net import ip_prefix
from customers.devices import Device
from customers.emails import normal_email
from customers.models import User
from customers.services.passwords import InvalidCredentialsError, WrongPasswordError

log = logging.getLogger(__name__)
COUNTED = "staff"
PASSWORDS, CODES = "staff_login", "staff_code"
"""The limits (`settings.RATE_LIMITS`)."""


@dataclass(frozen=True)
class Origin:
    """Where a guess comes from: the client's address, what was asked (`endpoint_of`), and the browser if known."""

    address: str
    endpoint: str
    device: Device | None = None

    @property
    def network(self) -> str:
        """What the log says of it."""
        return ip_prefix(self.address) or "an unknown address"


def register_counts() -> None:
    """Makes what is counted known; called when the app is ready."""
    counts.register(COUNTED, "What the door of staff refused")


def check_staff_login(*, email: str, password: str, origin: Origin, now: datetime) -> User:
    """The member of staff who logs in. One statement and one hash, whoever has the address.

    Raises:
        RateLimitedError: too many were tried for this address; a right password is refused too.
        InvalidCredentialsError
    """
    address = normal_email(email)
    found = User.objects.with_email(address).filter(is_staff=True, is_active=True).first()
    count_guess(PASSWORDS, found, address, origin)
    if found is None:
        make_password(password)  # takes as long as the check that it stands for
        refuse("unknown account", origin, now)
        raise InvalidCredentialsError
    if not found.check_password(password):
        refuse("wrong password", origin, now)
        note(found, f"Log-in refused: wrong password, from {origin.network}.")
        raise InvalidCredentialsError
    return found


def check_own_password(*, user: User, password: str, origin: Origin, now: datetime) -> None:
    """Whether whoever is logged in knows the account's password: a browser that was left open is no place to try them.

    Raises:
        RateLimitedError, WrongPasswordError
    """
    count_guess(PASSWORDS, user, user.email, origin)
    if not user.check_password(password):
        refuse("wrong password", origin, now)
        note(user, f"Wrong password for a change of the account, from {origin.network}.")
        raise WrongPasswordError


def count_guess(limit: str, user: User | None, address: str, origin: Origin) -> None:
    """Counts a guess before it is looked at: for the browser if the account has logged in there, else for the address.

    Raises:
        RateLimitedError: one too many. The log says so once.
    """
    device = origin.device
    key = f"device {device.name}" if device and user and device.user_id == user.pk else address
    try:
        hit(limit, key, address=origin.address, endpoint=origin.endpoint)
    except RateLimitedError as error:
        if user is not None and error.counted.first_refused:
            note(user, f"Too many tries ({limit}): refused for a while, the last from {origin.network}.")
        raise


def refuse(what: str, origin: Origin, now: datetime) -> None:
    """Counts what was refused, by UTC day, and now and then logs it."""
    counts.note(log, COUNTED, what, f"the door of staff refused: {what}, from {origin.network}", now=now)


def note(user: User, text: str, *, by: User | None = None) -> None:
    """Writes what happened to a member's account into the admin's log, as done by themselves or by somebody else."""
    LogEntry.objects.create(
        user=by or user,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=str(user)[:200],
        action_flag=CHANGE,
        change_message=text,
    )
