"""What checkouts hold about people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from checkout.models import CheckoutSession, CouponUse, IdempotencyKey
from core.personal_data import Part, Subject, facts, register
from orders.models import Order


def export(subject: Subject) -> dict[str, Any]:
    """Checkouts, uses of coupons, and answers that were kept to be given again."""
    keys = IdempotencyKey.objects.filter(order__customer_id__in=subject.customers)
    uses = CouponUse.objects.filter(customer_id__in=subject.customers).select_related("coupon")
    return {
        "checkouts": [facts(checkout) for checkout in checkouts_of(subject)],
        "couponUses": [facts(use) | {"code": use.coupon.code} for use in uses],
        "repeatableRequests": [facts(key) for key in keys],
    }


def checkouts_of(subject: Subject) -> QuerySet[CheckoutSession]:
    """Those that were the customer's, or became an order of theirs."""
    whose = Q(customer_id__in=subject.customers) | Q(order__customer_id__in=subject.customers)
    return CheckoutSession.objects.filter(whose).order_by("pk")


def erase(subject: Subject, *, now: datetime) -> None:
    """Checkouts go. Uses of coupons stay with their order: they name nobody once the customer is erased."""
    IdempotencyKey.objects.filter(order_id__in=Order.objects.filter(customer_id__in=subject.customers)).delete()
    ids = list(checkouts_of(subject).values_list("pk", flat=True))
    CheckoutSession.objects.filter(pk__in=ids).delete()


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    tables = (CheckoutSession, CouponUse, IdempotencyKey)
    register(Part("checkout", frozenset(model._meta.label for model in tables), export, erase))
