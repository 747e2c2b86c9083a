"""Days of the shop, asked for very often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache

from core.clock import shop_day

Touched = Callable[[set[date]], None]
"""Is told, inside the transaction that changes them, which days of the shop have other numbers now."""


@lru_cache(maxsize=4096)
def day_of(quarter: int) -> date:
    """The shop's day of a quarter of an hour since 1970: time zones differ by whole quarters."""
    return shop_day(datetime.fromtimestamp(quarter * 900, UTC))
