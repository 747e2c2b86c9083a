"""Opening an account: registered with a password, proven by the link that was sent to the address.

Nothing that a stranger did with an address before its owner came survives the proof:

- A registration is no account. There is none before the proof, so there is no session, no second way in and no change
  of address that could wait in it.
- The link proves the address, the password proves that the same person registered: both are needed. Whoever is sent the
  link of a stranger's registration cannot finish it by accident, and registers anew; the stranger cannot finish it.
- Registrations of one address stand side by side, so that a stranger's does not end the owner's. The proof ends all.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction

from core import mail
from customers.emails import normal_email
from customers.letters import REGISTERED
from customers.models import Customer, EmailChange, Registration, User
from customers.selectors import may_log_in
from customers.services.linking import link_customer
from customers.services.moving import move_account
from customers.services.passwords import InvalidCredentialsError, check_strength
from customers.tokens import LIVES, VERIFY, LinkInvalidError, claims_of


def register(*, email: str, password: str, first_name: str, last_name: str, language: str, now: datetime) -> None:
    """Takes a registration and lets the address be asked. The same statements and one hash, whoever has the address:
    who it is finds out the job that sends the mail.

    Raises:
        InvalidInputError: the password is too weak.
    """
    address = normal_email(email)
    check_strength(password, User(email=address, first_name=first_name, last_name=last_name))
    registration = Registration(
        email=address, password=make_password(password), first_name=first_name, last_name=last_name, created_at=now
    )
    with transaction.atomic():
        registration.save(force_insert=True)
        context = {"registration": str(registration.id)}
        mail.queue(kind=REGISTERED, recipient=address, language=language, context=context, now=now)


def verify_email(*, token: str, password: str, language: str, now: datetime) -> None:
    """Proves an address: opens the account that was registered, or gives an account its new address.

    Logs nobody in. There is one door, the login, where guesses are counted and the browser is asked who it is for; a
    page that followed a link has not been.

    Raises:
        LinkInvalidError: the token cannot be used any more.
        InvalidCredentialsError: it is not the password of whoever registered, or of the account that is to move.
    """
    claims = claims_of(token, VERIFY)
    if "registration" in claims:
        prove_registration(claims, password=password, now=now)
    else:
        prove_change(claims, password=password, language=language, now=now)


def prove_registration(claims: dict[str, Any], *, password: str, now: datetime) -> None:
    """The account that was registered is opened."""
    found = Registration.objects.filter(pk=claims["registration"], created_at__gt=now - LIVES[VERIFY]).first()
    if found is None:
        raise LinkInvalidError
    if not check_password(password, found.password):
        raise InvalidCredentialsError
    open_account(registration_id=found.id, email=found.email, now=now)


@transaction.atomic
def open_account(*, registration_id: UUID, email: str, now: datetime) -> Customer:
    """The account of a proven registration, with the guest history of its address. All other registrations end.

    Raises:
        LinkInvalidError: another proof of the address came first.
    """
    rivals = {row.pk: row for row in Registration.objects.with_email(email).select_for_update().order_by("pk")}
    if registration_id not in rivals:
        raise LinkInvalidError
    mine = rivals[registration_id]
    user = User(email=mine.email, password=mine.password, first_name=mine.first_name, last_name=mine.last_name)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise LinkInvalidError from error
    Registration.objects.filter(pk__in=rivals).delete()
    return link_customer(user, since=mine.created_at)


def prove_change(claims: dict[str, Any], *, password: str, language: str, now: datetime) -> None:
    """An account gets the address that it asked for. The password again: the link may have reached a stranger, who
    must not hand this address, and the orders of its guests, to an account of somebody else's.
    """
    change = EmailChange.objects.filter(pk=claims["change"], created_at__gt=now - LIVES[VERIFY])
    found = change.select_related("user__customer").first()
    if found is None or not may_log_in(found.user):
        raise LinkInvalidError
    if not found.user.check_password(password):
        raise InvalidCredentialsError
    move_account(change_id=found.id, language=language, now=now)


def forget_unproven(*, now: datetime) -> int:
    """Deletes registrations and changes of address whose link has expired; returns how many."""
    before = now - LIVES[VERIFY] - timedelta(hours=1)
    registrations = Registration.objects.filter(created_at__lt=before).delete()[0]
    return registrations + EmailChange.objects.filter(created_at__lt=before).delete()[0]
