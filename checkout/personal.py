"""What checkouts hold about people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from checkout.models import CheckoutSession, CouponUse, IdempotencyKey, ReminderAddress
from checkout.services.keys import owner_of_visit
from core.mail_personal import mails_about
from core.personal_data import Part, Subject, facts, register
from orders.personal import orders_of


def export(subject: Subject) -> dict[str, Any]:
    """Checkouts, uses of coupons, answers that were kept to be given again, and reminders."""
    whose = Q(customer_id__in=subject.customers) | Q(order__in=orders_of(subject))
    uses = CouponUse.objects.filter(whose).select_related("coupon")
    return {
        "checkouts": [facts(checkout) for checkout in checkouts_of(subject, subject.shopped_in)],
        "couponUses": [facts(use) | {"code": use.coupon.code} for use in uses],
        "repeatableRequests": [facts(key) for key in keys_of(subject, subject.shopped_in)],
        "reminders": [facts(address) for email in sorted(subject.emails) for address in addresses_of(email)],
    }


def checkouts_of(subject: Subject, visits: Iterable[UUID] = ()) -> QuerySet[CheckoutSession]:
    """Those that were the customer's, became an order of theirs, were to be reminded of at their address, or were not
    ordered in these visits.
    """
    whose = Q(customer_id__in=subject.customers) | Q(order__in=orders_of(subject))
    whose |= Q(visitor_session__in=visits, order=None)
    for email in subject.emails:
        whose |= Q(pk__in=CheckoutSession.objects.to(email).order_by().values("pk"))
    return CheckoutSession.objects.filter(whose).order_by("pk")


def keys_of(subject: Subject, visits: Iterable[UUID]) -> QuerySet[IdempotencyKey]:
    """Those of their orders, and all that came by these visits."""
    owners = [owner_of_visit(session_id) for session_id in visits]
    return IdempotencyKey.objects.filter(Q(order__in=orders_of(subject)) | Q(owner__in=owners))


def addresses_of(email: str) -> QuerySet[ReminderAddress]:
    """When the address got its last reminder, and whether it wants no more."""
    return ReminderAddress.objects.with_email(email)


def erase(subject: Subject, *, now: datetime) -> None:
    """Checkouts and reminders go. Uses of coupons stay with their order: they name nobody once the customer is gone.

    Of an address that a visitor typed stays that a reminder went there, and that it wants none: it may be anybody's.
    """
    keys_of(subject, subject.visits).delete()
    for email in subject.emails:
        addresses_of(email).delete()
    ids = list(checkouts_of(subject, subject.visits).values_list("pk", flat=True))
    mails_about("checkout", ids).delete()
    CheckoutSession.objects.filter(pk__in=ids).delete()
    CheckoutSession.objects.filter(visitor_session__in=subject.visits).update(visitor_session=None)  # of other orders


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    tables = (CheckoutSession, CouponUse, IdempotencyKey, ReminderAddress)
    register(Part("checkout", frozenset(model._meta.label for model in tables), export, erase))
