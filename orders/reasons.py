"""Why orders need attention, in a few words each, for those who count and filter them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from orders.models import Order

OTHER = "other"


@dataclass(frozen=True)
class Reason:
    """One of the reasons. Its texts begin so: more follows, such as amounts."""

    key: str
    title: str
    begins: str

    @property
    def condition(self) -> Q:
        """Whether an order is there for it."""
        return Q(needs_attention__startswith=self.begins)


REASONS = (
    Reason("paid_late", "paid late", "paid late"),
    Reason("paid_twice", "paid twice", "paid twice"),
    Reason("amount", "amount differs", "billing took "),
    Reason("refund", "refund refused", "a refund of "),
    Reason("erased", "erased before shipping", "The customer was erased"),
)
NONE_OF_THEM = ~Q(*(reason.condition for reason in REASONS), _connector=Q.OR)


def of_reason(orders: QuerySet[Order], key: str) -> QuerySet[Order]:
    """Those of the orders that are there for this reason, by its key; all of them if it is none."""
    conditions = {reason.key: reason.condition for reason in REASONS} | {OTHER: NONE_OF_THEM}
    return orders.filter(conditions[key]) if key in conditions else orders


def counts_by_reason() -> dict[str, int]:
    """How many orders need attention for each reason, by its key."""
    counted = {reason.key: Count("pk", filter=reason.condition) for reason in REASONS}
    found = (
        Order.objects.needing_attention().order_by().aggregate(**counted, **{OTHER: Count("pk", filter=NONE_OF_THEM)})
    )
    return dict(found)
