"""What checkouts hold about people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from checkout.models import CheckoutSession, CouponUse, IdempotencyKey, ReminderAddress
from core.personal_data import Part, Subject, facts, register
from orders.models import Order


def export(subject: Subject) -> dict[str, Any]:
    """Checkouts, uses of coupons, answers that were kept to be given again, and reminders."""
    keys = IdempotencyKey.objects.filter(order__customer_id__in=subject.customers)
    uses = CouponUse.objects.filter(customer_id__in=subject.customers).select_related("coupon")
    return {
        "checkouts": [facts(checkout) for checkout in checkouts_of(subject)],
        "couponUses": [facts(use) | {"code": use.coupon.code} for use in uses],
        "repeatableRequests": [facts(key) for key in keys],
        "reminders": [facts(address) for email in sorted(subject.emails) for address in addresses_of(email)],
    }


def checkouts_of(subject: Subject) -> QuerySet[CheckoutSession]:
    """Those that were the customer's, became an order of theirs, or were to be reminded of at their address."""
    whose = Q(customer_id__in=subject.customers) | Q(order__customer_id__in=subject.customers)
    for email in subject.emails:
        whose |= Q(pk__in=CheckoutSession.objects.to(email).order_by().values("pk"))
    return CheckoutSession.objects.filter(whose).order_by("pk")


def addresses_of(email: str) -> QuerySet[ReminderAddress]:
    """When the address got its last reminder, and whether it wants no more."""
    return ReminderAddress.objects.with_email(email)


def erase(subject: Subject, *, now: datetime) -> None:
    """Checkouts and reminders go. Uses of coupons stay with their order: they name nobody once the customer is gone."""
    IdempotencyKey.objects.filter(order_id__in=Order.objects.filter(customer_id__in=subject.customers)).delete()
    for email in subject.emails:
        addresses_of(email).delete()
    ids = list(checkouts_of(subject).values_list("pk", flat=True))
    CheckoutSession.objects.filter(pk__in=ids).delete()


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    tables = (CheckoutSession, CouponUse, IdempotencyKey, ReminderAddress)
    register(Part("checkout", frozenset(model._meta.label for model in tables), export, erase))
