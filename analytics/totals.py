"""What a stretch of time brought, in numbers that may be added."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from core.money import ZERO

COLUMNS = {
    "visits": "total_visits",
    "engaged": "engaged_sessions",
    "product": "product_sessions",
    "cart": "cart_sessions",
    "checkout": "checkout_sessions",
    "ordered": "order_sessions",
    "converted": "converted_sessions",
    "orders": "total_orders",
    "sales": "total_sales",
    "refunds": "refunds",
    "sessionless_orders": "sessionless_orders",
}
"""Field of `Totals`: column of `DailyMetrics`, and of the statements that fill it."""


@dataclass(frozen=True)
class Totals:
    """Sums over a window. Rates are of the sums, never means of daily rates."""

    visits: int = 0
    engaged: int = 0
    product: int = 0
    cart: int = 0
    checkout: int = 0
    ordered: int = 0
    converted: int = 0
    orders: int = 0
    sales: Decimal = ZERO
    refunds: Decimal = ZERO
    sessionless_orders: int = 0

    @property
    def conversion(self) -> Decimal:
        """Converted sessions / visits, percent."""
        return Decimal(100 * self.converted) / self.visits if self.visits else ZERO

    @property
    def average_order_value(self) -> Decimal:
        """Sales / paid orders."""
        return self.sales / self.orders if self.orders else ZERO


def from_columns(row: Mapping[str, Any]) -> Totals:
    """A row of `DailyMetrics`, or of the statements behind it, as totals."""
    return Totals(**{name: row[column] for name, column in COLUMNS.items()})


def added(parts: Iterable[Totals]) -> Totals:
    """The sum."""
    parts = list(parts)
    return Totals(**{field.name: sum(getattr(part, field.name) for part in parts) for field in fields(Totals)})
