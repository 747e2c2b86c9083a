"""What was sold: sales taken apart, to whom, and with which coupons. All of orders paid in the period."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from analytics.dashboard.beside import Question
from analytics.dashboard.reading import Reading
from analytics.figures import Change, change, share, written
from analytics.metrics import Kind, Totals
from analytics.statements import among, rows, statement
from core.money import money_string
from orders.transfer.statements import NOBODY

IN_A_FILE = 1_000
CUSTOMERS = {False: "New", True: "Returning", None: "Nobody known"}
TAKEN_AWAY = ("Discounts", "Refunds")
Parts = dict[str, Decimal]


def parts_of(totals: Totals) -> Parts:
    """Sales, taken apart. Tax that is in the prices adds nothing, and is told apart."""
    on_top = totals.total_sales - (totals.gross_sales - totals.discounts + totals.shipping)
    return {
        "Goods": totals.gross_sales,
        "Discounts": -totals.discounts,
        "Shipping": totals.shipping,
        "Tax on top": on_top,
        "Sales": totals.total_sales,
        "Refunds": -totals.refunds,
        "Net sales": totals.total_sales - totals.refunds,
        "Tax within": totals.tax - on_top,
    }


def money(reading: Reading, request: HttpRequest) -> dict[str, Any]:
    """From goods to net sales, each against the period before."""
    before = parts_of(reading.before.totals) if reading.before else {}
    return {
        "parts": [
            {
                "name": name,
                "is_sum": name in ("Sales", "Net sales"),
                "amount": written(amount, Kind.MONEY),
                "before": written(before[name], Kind.MONEY) if before else "",
                "change": changed(name, amount, before[name]) if before else "",
            }
            for name, amount in parts_of(reading.current.totals).items()
        ]
    }


def changed(name: str, now: Decimal, before: Decimal) -> Change:
    """How a part changed; of one that takes away, how much it takes."""
    return change(-now, -before, Kind.MONEY) if name in TAKEN_AWAY else change(now, before, Kind.MONEY)


def lines_of_money(reading: Reading) -> Iterable[dict[str, Any]]:
    """A line a part."""
    return [{"part": name, "amount": money_string(amount)} for name, amount in parts_of(reading.current.totals).items()]


def customers(reading: Reading, request: HttpRequest) -> dict[str, Any]:
    """Orders of those who paid one before, and of those who had not."""
    found = found_customers(reading)
    sales = sum(line["sales"] for line in found)
    return {
        "groups": [
            {
                "name": line["customers_are"],
                "customers": written(line["customers"], Kind.COUNT) if line["customers"] else "–",
                "orders": written(line["orders"], Kind.COUNT),
                "sales": written(line["sales"], Kind.MONEY),
                "share": share(line["sales"], sales),
            }
            for line in found
        ]
    }


def lines_of_customers(reading: Reading) -> list[dict[str, Any]]:
    """A line a group."""
    return [line | {"sales": money_string(line["sales"])} for line in found_customers(reading)]


def found_customers(reading: Reading) -> list[dict[str, Any]]:
    """New ones first; nobody where there are none."""
    found = {row["came_back"]: row for row in reading.answer(paid(reading, "customers_paid"))}
    names = ("orders", "customers", "sales")
    return [
        {"customers_are": title} | {name: found[key][name] for name in names}
        for key, title in CUSTOMERS.items()
        if key in found
    ]


def coupons(reading: Reading, request: HttpRequest) -> dict[str, Any]:
    """The coupons that brought most."""
    return {
        "coupons": [
            {
                "code": row["code"],
                "orders": written(row["orders"], Kind.COUNT),
                "sales": written(row["sales"], Kind.MONEY),
                "discounts": written(row["discounts"], Kind.MONEY),
            }
            for row in reading.answer(paid(reading, "coupons_paid"))
        ]
    }


def lines_of_coupons(reading: Reading) -> Iterable[dict[str, Any]]:
    """A line a coupon, 1,000 at most."""
    found = reading.answer(paid(reading, "coupons_paid", limit=IN_A_FILE))
    return [row | {name: money_string(row[name]) for name in ("sales", "discounts")} for row in found]


def paid(reading: Reading, name: str, *, limit: int = 0) -> Question[list[dict[str, Any]]]:
    """A statement on the orders paid in the window, or on those of filtered visits."""
    window = reading.window
    whose, parameters = among(reading.asked.filters, start=window.start, end=window.until)
    parameters |= {"start": window.start, "end": window.until, "limit": limit or reading.rows, "nobody": NOBODY}
    return name, lambda: rows(statement(name).format(of_order=whose.of_order), parameters)
