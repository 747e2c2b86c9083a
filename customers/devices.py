"""Browsers in which a member of staff has logged in: each carries a signed cookie that says so.

A guess from such a browser is counted for it alone (`services.staff_login`), so strangers who use up what an account
may be tried do not shut out its owner. The same cookie says for how long that browser is asked for no code.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from customers.models import SecondFactor, User

LIFE = timedelta(days=365)
REMEMBERED = timedelta(days=30)
SALT = "customers.devices"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Device:
    """A browser that this account has logged in with. `trust` holds as long as the account is as it was at
    `trusted_at`; empty where a code is asked for each time.
    """

    user_id: int
    name: str
    trust: str = ""
    trusted_at: datetime = EPOCH


def device_of(request: HttpRequest) -> Device | None:
    """The browser that asks; None for one that nobody logged in with, and for cookies that are not ours."""
    try:
        user_id, name, trust, at = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=LIFE
        )
    except signing.BadSignature:
        return None
    return Device(user_id, name, trust, datetime.fromtimestamp(at, UTC))


def known(user: User, before: Device | None) -> Device:
    """The browser as one of this account: the same as before, or a new one."""
    return before if before and before.user_id == user.pk else Device(user.pk, secrets.token_urlsafe(12))


def trusted(user: User, factor: SecondFactor, device: Device, *, now: datetime) -> Device:
    """The browser, from now on asked for no code for a while."""
    return Device(device.user_id, device.name, trust_of(user, factor), now)


def is_trusted(user: User, factor: SecondFactor, device: Device | None, *, now: datetime) -> bool:
    """Whether this browser need not show a code. Another password, another second factor and *Forget them* end that."""
    if device is None or device.user_id != user.pk or not now - REMEMBERED < device.trusted_at <= now:
        return False
    return constant_time_compare(device.trust, trust_of(user, factor))


def trust_of(user: User, factor: SecondFactor) -> str:
    """Changes with the password, the second factor, and when browsers are forgotten."""
    text = f"{user.pk} {user.password} {user.second_factor_since} {factor.browsers}"
    return salted_hmac(SALT, text, algorithm="sha256").hexdigest()[:32]


def remember(response: HttpResponse, device: Device) -> None:
    """Gives the browser its cookie."""
    words = [device.user_id, device.name, device.trust, device.trusted_at.timestamp()]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(words, salt=SALT),
        max_age=LIFE,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
