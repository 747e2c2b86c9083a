"""`manage.py import_orders`."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from analytics.models import DailyMetrics
from analytics.services import aggregate_day, freeze_days
from core.clock import now
from orders.models import Order, Refund
from orders.transfer.storing import ONE_IMPORT_AT_A_TIME
from tests.analytics.days import visit
from tests.database import database_away
from tests.orders.files import csv_of

pytestmark = pytest.mark.django_db
# As another shop writes it: month/day/year, cancellations with a C, orders of nobody, lines without a name.
FOREIGN = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country,Clerk
536365,85123A,WHITE HEART HOLDER,6,12/1/10 8:26,2.55,17850,United Kingdom,7
536365,71053,WHITE LANTERN,2,12/1/10 8:26,3.39,17850,United Kingdom,7
536414,22139,,56,12/1/10 11:52,0,,United Kingdom,7
C536379,71053,WHITE LANTERN,-1,12/2/10 9:41,3.39,17850,United Kingdom,7
C536383,D,Discount,-1,12/2/10 9:49,27.5,14527,United Kingdom,8
"""
COLUMNS = (
    "number=InvoiceNo", "sku=StockCode", "name=Description", "quantity=Quantity", "placed_at=InvoiceDate",
    "unit_price=UnitPrice", "customer=CustomerID", "country=Country",
)  # fmt: skip
MAPPING = [word for column in COLUMNS for word in ("--column", column)]


# As Shopify writes it: what is of the whole order stands on its first line, other columns are there too.
SHOPIFY = """\
Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,\
Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Refunded Amount
#1001,ada@example.com,partially_refunded,2026-01-02 10:00:05 +0000,GBP,30.00,4.00,5.67,34.00,0.00,\
2026-01-02 10:00:00 +0000,2,Mug,10.00,MUG,10.00
#1001,ada@example.com,,,,,,,,,,1,Cup,10.00,CUP,
#1002,bob@example.com,pending,,GBP,10.00,0.00,1.67,10.00,0.00,2026-01-02 11:00:00 +0000,1,Mug,10.00,MUG,0.00
#1003,bob@example.com,voided,,GBP,10.00,0.00,1.67,10.00,0.00,2026-01-02 12:00:00 +0000,1,Mug,10.00,MUG,0.00
"""
OF_SHOPIFY = (
    "number=Name", "placed_at=Created at", "paid_at=Paid at", "email=Email", "status=Financial Status",
    "currency=Currency", "sku=Lineitem sku", "name=Lineitem name", "quantity=Lineitem quantity",
    "unit_price=Lineitem price", "shipping=Shipping", "tax=Taxes", "total=Total", "discount=Discount Amount",
    "refunded=Refunded Amount",
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two orders, and one that cannot be taken."""
    path = tmp_path / "orders.csv"
    path.write_bytes(
        csv_of({"number": "1"}, {"number": "2", "quantity": "0"}, {"number": "3", "placed_at": "2026-01-04"})
    )
    return path


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "invoices.csv"
    path.write_text(FOREIGN, encoding="utf-8-sig")
    return path


def run(*arguments: object) -> str:
    stdout = io.StringIO()
    call_command("import_orders", *map(str, arguments), stdout=stdout, stderr=io.StringIO())
    return stdout.getvalue()


def of_days(*fields: str) -> list[tuple[Any, ...]]:
    rows = DailyMetrics.objects.exclude(total_orders=0, refunds=0).order_by("date")
    return list(rows.values_list("date", *fields))


def test_a_file_of_another_shop_goes_in_and_its_days_have_its_totals(foreign: Path) -> None:
    figures = json.loads(run(foreign, *MAPPING, "--dates", "month/day/year", "--json"))
    assert of_days("total_orders", "total_sales", "refunds") == [
        (date(2010, 12, 1), 2, Decimal("22.080"), Decimal(0)),
        (date(2010, 12, 2), 0, Decimal(0), Decimal("30.890")),
    ]
    assert figures["days"] == {
        "2010-12-01": {"orders": 2, "sales": "22.08", "refunds": 0, "refunded": "0.00"},
        "2010-12-02": {"orders": 0, "sales": "0.00", "refunds": 2, "refunded": "30.89"},
    }
    assert (figures["refundsAdded"], figures["refundsOfNoKnownOrder"]) == (2, 1)
    assert Order.objects.get(number="536365").refunded_amount == Decimal("3.390")


def test_an_export_of_shopify_goes_in(tmp_path: Path) -> None:
    path = tmp_path / "orders_export.csv"
    path.write_text(SHOPIFY)
    with pytest.raises(CommandError, match="Lines refused: 1"):
        run(path, *[word for column in OF_SHOPIFY for word in ("--column", column)])
    orders = Order.objects.order_by("number").values_list("number", "status", "total", "tax_amount", "refunded_amount")
    assert list(orders) == [
        ("#1001", "success", Decimal("34.000"), Decimal("5.670"), Decimal("10.000")),
        ("#1003", "cancelled", Decimal("10.000"), Decimal("1.670"), Decimal(0)),
    ]


def test_twice_adds_nothing(foreign: Path) -> None:
    arguments = (foreign, *MAPPING, "--dates", "month/day/year", "--json")
    run(*arguments)
    before = of_days("total_sales", "refunds", "computed_at")
    figures = json.loads(run(*arguments))
    assert (figures["added"], figures["unchanged"], figures["refundsAdded"]) == (0, 2, 0)
    assert of_days("total_sales", "refunds", "computed_at") == before


def test_refused_lines_are_reported_beside_the_file_and_the_others_are_stored(path: Path) -> None:
    with pytest.raises(CommandError, match=r"Lines refused: 1. Why: .*orders\.csv\.refused\.csv") as error:
        run(path)
    assert error.value.returncode == 1
    report = path.with_name("orders.csv.refused.csv").read_text().splitlines()
    assert report[1].startswith('3,quantity,"must be a whole number')
    assert set(Order.objects.values_list("number", flat=True)) == {"1", "3"}
    assert [day for day, _sales in of_days("total_sales")] == [date(2026, 1, 2), date(2026, 1, 4)]


def test_a_dry_run_stores_nothing_and_tells_the_days(path: Path) -> None:
    with pytest.raises(CommandError, match="Lines refused: 1"):
        run(path, "--dry-run")
    assert (Order.objects.exists(), of_days()) == (False, [])


def test_people_get_a_table(foreign: Path) -> None:
    said = run(foreign, *MAPPING, "--dates", "month/day/year")
    assert "of no order that is known" in said
    assert "22.08" in said


def test_days_that_were_changed_when_it_stopped_are_computed_by_the_next_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(**_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("analytics.touched.aggregate_day", stop)
    with pytest.raises(CommandError, match=r"Stopped. 3 lines were read, 2 orders and 0 refunds are stored") as error:
        run(path)
    assert error.value.returncode == 130
    dirty = DailyMetrics.objects.filter(is_dirty=True).values_list("date", flat=True)
    assert set(dirty) == {date(2026, 1, 2), date(2026, 1, 4)}


def test_days_that_are_frozen_are_named_and_have_the_sales_of_the_file_to_the_cent(path: Path) -> None:
    visit(datetime(2026, 1, 2, 12, tzinfo=UTC)), aggregate_day(day=date(2026, 1, 2), now=now())
    freeze_days(before=date(2026, 1, 3), now=now())
    stderr = io.StringIO()
    with pytest.raises(CommandError, match="Lines refused: 1"):
        call_command("import_orders", str(path), stdout=io.StringIO(), stderr=stderr)
    assert "Frozen days had their orders counted, and keep all other numbers: 2026-01-02." in stderr.getvalue()
    sold = {number: Order.objects.get(number=number).total for number in "13"}
    assert of_days("total_sales") == [(date(2026, 1, 2), sold["1"]), (date(2026, 1, 4), sold["3"])]


def test_without_its_database_it_fails(path: Path) -> None:
    with database_away(), pytest.raises(CommandError):
        run(path)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_are_one(path: Path) -> None:
    held, done = threading.Event(), threading.Event()

    def other_import() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_IMPORT_AT_A_TIME])
            held.set()
            done.wait(20)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_IMPORT_AT_A_TIME])
        connection.close()

    other = threading.Thread(target=other_import)
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(CommandError, match=r"Another import of orders is running\."):
            run(path)
        assert not Order.objects.exists()
    finally:
        done.set()
        other.join()
    with pytest.raises(CommandError, match="Lines refused: 1"):
        run(path)
    assert (Order.objects.count(), Refund.objects.count()) == (2, 0)
