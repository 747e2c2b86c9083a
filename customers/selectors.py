"""Reads of customers and their accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.personal_data import Subject
from customers.models import Customer, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


STAFF_STAY = "This is an account of staff. Take its rights away first."


def customer_of(user: User | AnonymousUser) -> Customer | None:
    """The customer who is logged in, with the account; None for nobody, and for staff, who are nobody to the shop."""
    if not isinstance(user, User) or is_staff(user):
        return None
    return Customer.objects.active().select_related("user").filter(user_id=user.pk).first()


def is_staff(user: User) -> bool:
    """Whether the account belongs to the back office."""
    return user.is_staff or user.is_superuser


def is_of_staff(subject: Subject) -> bool:
    """Whether the account is one of those; they are not erased (`STAFF_STAY`)."""
    return any(is_staff(user) for user in User.objects.filter(pk__in=subject.users))


def may_log_in(user: User) -> bool:
    """Whether this is an account of a customer who is not blocked."""
    return hasattr(user, "customer") and may_reset(user)


def may_reset(user: User) -> bool:
    """Whether a mail may give this account a new password: a customer's, or one that staff made for a customer."""
    customer: Customer | None = getattr(user, "customer", None)
    blocked = customer is not None and customer.status == Customer.Status.BLOCKED
    return user.is_active and not is_staff(user) and not blocked


def subject_of(customer: Customer) -> Subject:
    """Whose personal data: this customer's, by all that leads to them."""
    emails = {customer.email} | ({customer.user.email} if customer.user else set())
    return Subject(emails=frozenset(emails), customer_id=customer.pk, user_id=customer.user_id)


def subject_told(ids: Subject) -> Subject:
    """The same by ids that the log told, with the addresses that this database knows them by."""
    customer = Customer.objects.filter(pk__in=ids.customers).select_related("user").first()
    users = User.objects.filter(pk__in=ids.users).values_list("email", flat=True)
    emails = subject_of(customer).emails if customer else frozenset()
    return replace(ids, emails=emails | frozenset(users))


def subject_with_email(address: str) -> Subject:
    """The same by an address; also where no customer has it, for mails and registrations that nobody followed."""
    user = User.objects.with_email(address).select_related("customer").first()
    customer = Customer.objects.with_email(address).select_related("user").first() or getattr(user, "customer", None)
    if customer is not None:
        return subject_of(customer)
    return Subject(emails=frozenset({address}), user_id=user.pk if user else None)
