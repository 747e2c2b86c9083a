"""What customers change in their own account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from customers.emails import normal_email
from customers.models import Address, Customer, User
from customers.services.moving import ask_for_email
from customers.services.passwords import WrongPasswordError, check_strength, set_password


@dataclass(frozen=True)
class AccountChange:
    """What shall be otherwise; None is left as it is. `profile` are fields of `Customer`."""

    profile: dict[str, str] = field(default_factory=dict)
    addresses: Sequence[Address] | None = None
    email: str | None = None
    password: str | None = None
    current_password: str = ""

    @property
    def needs_password(self) -> bool:
        """Whether the present password must be shown for it."""
        return self.email is not None or self.password is not None


def change_account(*, user: User, customer: Customer, change: AccountChange, language: str, now: datetime) -> None:
    """Changes all of it or nothing. Another address needs its proof first. Another address or password need the
    present password: a browser that somebody left open is not enough for them.

    Raises:
        WrongPasswordError, InvalidInputError
    """
    if change.needs_password:
        check_current(user, change.current_password)
    encoded = new_hash(user, change.password) if change.password is not None else None
    with transaction.atomic():
        Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        if change.profile:
            Customer.objects.filter(pk=customer.pk).update(**change.profile)
        if change.addresses is not None:
            replace_addresses(customer, change.addresses)
        if encoded is not None:
            set_password(user, encoded=encoded, language=language, now=now)
        if change.email is not None and normal_email(change.email) != user.email:
            ask_for_email(user=user, email=normal_email(change.email), language=language, now=now)


def check_current(user: User, password: str) -> None:
    """Whether this is the account's password.

    Raises:
        WrongPasswordError
    """
    if not user.check_password(password):
        raise WrongPasswordError


def new_hash(user: User, password: str) -> str:
    """What is kept of a new password.

    Raises:
        InvalidInputError: it is too weak.
    """
    check_strength(password, user)
    return make_password(password)


def replace_addresses(customer: Customer, addresses: Sequence[Address]) -> None:
    """The customer has these addresses and no others."""
    customer.addresses.all().delete()
    for address in addresses:
        address.customer = customer
    Address.objects.bulk_create(addresses)
