"""How long an order may take to be paid: by the first rule of staff that fits, else by the settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from django.conf import settings

from catalog.models import Product
from customers.models import Customer
from orders.models import WindowRule


@dataclass(frozen=True)
class Window:
    """Minutes and attempts to pay, and the name of the rule that gives them; empty for what the settings say."""

    minutes: int
    attempts: int
    rule: str = ""


@dataclass
class Sale:
    """What rules ask about an order. Looked up only if a rule asks."""

    total: Decimal
    product_ids: Sequence[UUID]
    customer_id: UUID | None
    """Of whoever is logged in: somebody who types a VIP's address must not learn that it is one."""

    @cached_property
    def category_ids(self) -> set[int | None]:
        """The categories of what is sold."""
        return set(Product.objects.filter(pk__in=self.product_ids).values_list("category_id", flat=True))

    @cached_property
    def group_id(self) -> int | None:
        """The customer's group."""
        if self.customer_id is None:
            return None
        return Customer.objects.filter(pk=self.customer_id).values_list("group_id", flat=True).first()


def window_for(sale: Sale, rules: Iterable[WindowRule]) -> Window:
    """The payment window of a sale; `rules` are the active ones in their order."""
    found = next((rule for rule in rules if fits(rule, sale)), None)
    if found is None:
        return Window(settings.ORDER_SESSION_DURATION_MINUTES, settings.ORDER_SESSION_MAX_ATTEMPTS)
    return Window(found.duration_minutes, found.max_attempts, found.name)


def fits(rule: WindowRule, sale: Sale) -> bool:
    """Whether all the rule's conditions apply. The total first: it costs nothing to know."""
    if rule.minimum_total is not None and sale.total < rule.minimum_total:
        return False
    if rule.customer_group_id is not None and rule.customer_group_id != sale.group_id:
        return False
    return rule.category_id is None or rule.category_id in sale.category_ids
