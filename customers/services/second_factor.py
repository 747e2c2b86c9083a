"""The second factor of staff: set up, asked for, renewed, taken away. Each is in the admin's log.

Codes are those of RFC 6238: six digits of each half minute. Clocks may differ by one; each is taken once.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime

import pyotp
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from core import mail
from core.errors import DomainError
from core.ids import new_id
from customers.letters import SECOND_FACTOR, FactorChange
from customers.models import RecoveryCode, SecondFactor, User
from customers.sealing import SealBrokenError, seal, unseal
from customers.services.staff_login import CODES, Origin, check_own_password, count_guess, note, refuse

log = logging.getLogger(__name__)
STEP_SECONDS = 30
DRIFT = 1
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that looks like another."""
LETTERS_OF_A_CODE = 16
"""80 bits: what cannot be guessed needs no slow hash."""


class WrongCodeError(DomainError):
    """It is no code of this half minute, was taken before, or is no recovery code that is left."""

    message = "This code is not right, or was used already."


class SecondFactorStateError(DomainError):
    """There is a second factor already, or there is none."""

    message = "Your second factor was changed meanwhile. Please load the page again."


def new_secret() -> str:
    """A secret to share with an app, in base 32."""
    return pyotp.random_base32()


def address_of(user: User, secret: str) -> str:
    """What the QR code says: the secret, and what the app shall call it."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=settings.SHOP_NAME)


def enrol(*, user: User, secret: str, code: str, origin: Origin, now: datetime) -> list[str]:
    """Takes the secret for the account's second factor, now that its app has shown a code of it. Every other session
    of the account ends. The recovery codes, which are nowhere kept.

    Raises:
        RateLimitedError, WrongCodeError, SecondFactorStateError
    """
    count_guess(CODES, user, user.email, origin)
    step = step_of(secret, code, after=-1, now=now)
    if step is None:
        raise WrongCodeError
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if locked.second_factor_since is not None:
            raise SecondFactorStateError
        factor = SecondFactor.objects.create(user=locked, secret=seal(secret), last_step=step)
        set_since(user, now)
        note(user, "Second factor set up.")
        tell(user, FactorChange.SET_UP, now)
        return write_codes(factor)


def check_code(*, user: User, code: str, origin: Origin, now: datetime) -> None:
    """Whether this is a code of the account's app or one of its recovery codes. It is used up by that.

    Raises:
        RateLimitedError: too many were tried; a right one is refused too.
        WrongCodeError, SecondFactorStateError
    """
    count_guess(CODES, user, user.email, origin)
    with transaction.atomic():
        factor = locked_factor(user)
        is_right = use_step(factor, code, now) or use_recovery_code(factor, code, now)
        if not is_right:
            note(user, f"Wrong code of the second factor, from {origin.network}.")
    if not is_right:
        refuse("wrong code", origin, now)
        raise WrongCodeError


def renew_recovery_codes(*, user: User, code: str, origin: Origin, now: datetime) -> list[str]:
    """Ten new recovery codes in the place of those that there are.

    Raises:
        RateLimitedError, WrongCodeError, SecondFactorStateError
    """
    check_code(user=user, code=code, origin=origin, now=now)
    with transaction.atomic():
        note(user, "Recovery codes renewed.")
        tell(user, FactorChange.RENEWED, now)
        return write_codes(locked_factor(user))


@transaction.atomic
def forget_browsers(*, user: User) -> None:
    """Every browser is asked for a code again.

    Raises:
        SecondFactorStateError
    """
    factor = locked_factor(user)
    factor.browsers = new_id()
    factor.save(update_fields=["browsers"])
    note(user, "Browsers that need no code forgotten.")


def switch_off(*, user: User, password: str, code: str, origin: Origin, now: datetime) -> None:
    """The account has no second factor any more. Every other session of it ends.

    Raises:
        RateLimitedError, WrongPasswordError, WrongCodeError, SecondFactorStateError
    """
    check_own_password(user=user, password=password, origin=origin, now=now)
    check_code(user=user, code=code, origin=origin, now=now)
    take_away(user, FactorChange.SWITCHED_OFF, text="Second factor switched off.", by=None, now=now)


def reset_second_factor(*, user: User, text: str, now: datetime, by: User | None = None) -> bool:
    """Takes the second factor of somebody away who cannot show it; whether there was one. Every session of the account
    ends.
    """
    return take_away(user, FactorChange.RESET, text=text, by=by, now=now)


@transaction.atomic
def take_away(user: User, change: FactorChange, *, text: str, by: User | None, now: datetime) -> bool:
    """Takes it away; whether there was one."""
    User.objects.select_for_update().get(pk=user.pk)
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        return False
    set_since(user, None)
    note(user, text, by=by)
    tell(user, change, now)
    return True


def tell(user: User, change: FactorChange, now: datetime) -> None:
    """Has a mail sent to whose second factor it is: if it was somebody else, they hear of it."""
    context = {"user": user.pk, "change": change}
    mail.queue(kind=SECOND_FACTOR, recipient=user.email, language="en", context=context, now=now)


def set_since(user: User, since: datetime | None) -> None:
    """Writes since when there is one: the sessions of before end by it (`User.get_session_auth_hash`)."""
    user.second_factor_since = since
    user.save(update_fields=["second_factor_since"])


def locked_factor(user: User) -> SecondFactor:
    """The account's second factor, for whoever may change it.

    Raises:
        SecondFactorStateError: there is none.
    """
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        raise SecondFactorStateError
    return factor


def use_step(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Whether it is a code of the app that was not taken yet; it is now."""
    try:
        secret = unseal(factor.secret)
    except SealBrokenError:
        log.error("the second factor of account %s was sealed with a SECRET_KEY that is gone: reset it", factor.user_id)
        return False  # recovery codes still let in
    step = step_of(secret, code, after=factor.last_step, now=now)
    if step is None:
        return False
    factor.last_step, factor.secret = step, seal(secret)
    factor.save(update_fields=["last_step", "secret"])
    return True


def step_of(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """The half minute whose code this is, among those around `now` that come after that one; None if it is none's.

    All are compared, each in constant time: how long it takes tells nothing.
    """
    typed, app, present = "".join(code.split()), pyotp.TOTP(secret), int(now.timestamp()) // STEP_SECONDS
    steps = range(max(0, present - DRIFT), present + DRIFT + 1)
    same = [step for step in steps if constant_time_compare(app.generate_otp(step), typed)]
    return next((step for step in same if step > after), None)


def use_recovery_code(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Whether it is a recovery code that was not used yet; it is now."""
    left = RecoveryCode.objects.filter(factor=factor, used_at=None)
    if not left.filter(code_hash=hash_of(code)).update(used_at=now):
        return False
    note(factor.user, f"A recovery code was used; {left.count()} are left.")
    return True


def write_codes(factor: SecondFactor) -> list[str]:
    """New recovery codes, as people write them down: `abcd-efgh-jkmn-pqrs`."""
    factor.recovery_codes.all().delete()
    codes = [new_code() for _place in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(factor=factor, code_hash=hash_of(code)) for code in codes)
    return codes


def new_code() -> str:
    """One recovery code."""
    letters = "".join(secrets.choice(LETTERS) for _place in range(LETTERS_OF_A_CODE))
    return "-".join(letters[at : at + 4] for at in range(0, LETTERS_OF_A_CODE, 4))


def hash_of(code: str) -> str:
    """What is kept of a recovery code, however somebody types it."""
    return hashlib.sha256("".join(letter for letter in code.lower() if letter.isalnum()).encode()).hexdigest()
