"""What this app holds about people: customers, accounts, addresses, registrations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import PROTECT, Model, QuerySet

from core.personal_data import Part, Subject, facts, register
from customers.models import (
    Address,
    ApiToken,
    Customer,
    EmailChange,
    RecoveryCode,
    Registration,
    SecondFactor,
    User,
    erased_email,
)

NOT_GIVEN_OUT = {"password", "is_superuser", "is_staff", "token_hash", "secret", "last_step", "browsers"}
OF_PEOPLE = (Customer, User, Address, Registration, EmailChange, ApiToken, SecondFactor, RecoveryCode)
ERASED_NAMES = {
    "user": None, "first_name": "", "last_name": "", "phone": "", "first_visit_at": None, "type": Customer.Type.GUEST,
    "status": Customer.Status.ACTIVE, "group": None,
}  # fmt: skip
LONGEST_NAME = 200
"""Of a record, in the admin's log."""


def export(subject: Subject) -> dict[str, Any]:
    """The profile."""
    users = User.objects.filter(pk__in=subject.users)
    return {
        "customer": each(Customer.objects.filter(pk__in=subject.customers)),
        "account": each(users, without=NOT_GIVEN_OUT),
        "addresses": each(Address.objects.filter(customer_id__in=subject.customers)),
        "registrations": [row for address in subject.emails for row in each(Registration.objects.with_email(address))],
        "emailChanges": each(EmailChange.objects.filter(user_id__in=users)),
        "secondFactors": each(SecondFactor.objects.filter(user_id__in=users)),
        "apiTokens": each(ApiToken.objects.filter(user_id__in=users)),
    }


def each(rows: QuerySet[Any], *, without: set[str] = NOT_GIVEN_OUT) -> list[dict[str, Any]]:
    """The rows as they are given out; never a password or a token."""
    return [facts(row, without=without) for row in rows]


def erase(subject: Subject, *, now: datetime) -> None:
    """The account goes, and with it every session. The customer goes too, or stays as a number if orders must."""
    for address in subject.emails:
        Registration.objects.with_email(address).delete()
        EmailChange.objects.with_email(address).delete()
        # Also what staff deleted, and what apps above call by the address.
        forget_entries(LogEntry.objects.filter(object_repr__iexact=address[:LONGEST_NAME]))
    customer = Customer.objects.select_for_update().filter(pk__in=subject.customers).first()
    if customer is not None:
        forget_customer(customer)
    forget_log(User, subject.users)
    User.objects.filter(pk__in=subject.users).delete()


def forget_customer(customer: Customer) -> None:
    """Nothing of the customer but what other tables must keep pointing to."""
    forget_log(Address, customer.addresses.values_list("pk", flat=True))
    forget_log(Customer, [customer.pk])
    customer.addresses.all().delete()
    if is_needed(customer):
        Customer.objects.filter(pk=customer.pk).update(email=erased_email(customer.pk), **ERASED_NAMES)
    else:
        customer.delete()


def is_needed(customer: Customer) -> bool:
    """Whether there are rows, such as orders, that cannot be without their customer."""
    return any(
        relation.related_model._default_manager.filter(**{relation.field.name: customer}).exists()
        for relation in Customer._meta.related_objects
        if relation.on_delete is PROTECT
    )


def forget_log(model: type[Model], keys: Iterable[object]) -> None:
    """Of these records the admin's log no longer says whose they were."""
    content_type = ContentType.objects.get_for_model(model)
    forget_entries(LogEntry.objects.filter(content_type=content_type, object_id__in=[str(key) for key in keys]))


def forget_entries(entries: QuerySet[LogEntry]) -> None:
    """They say that staff changed a record, and when."""
    entries.update(object_repr="erased", change_message="")


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    tables = {model._meta.label for model in OF_PEOPLE}
    memberships = {User.groups.through._meta.label, User.user_permissions.through._meta.label}
    register(Part("customers", frozenset(tables | memberships), export, erase))
