from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product, StockMovement
from core.integrity import verify
from core.models import Mail
from core.spreadsheets import WrongSheetError
from customers.models import Customer
from orders.models import Order, OrderItem, OrderStatusChange, OutboxEvent, Refund
from orders.transfer import DayTotals, Tally, import_orders, storing
from orders.transfer.rows import Notation
from tests.factories import CustomerFactory, OrderFactory, OrderSessionFactory, ProductFactory
from tests.orders.files import NOW, Done, csv_of, imported

pytestmark = pytest.mark.django_db
JANUARY_2 = date(2026, 1, 2)


def reasons(*rows: dict[str, Any]) -> list[tuple[int, str, str]]:
    done = imported(*rows)
    assert not Order.objects.exists()
    return done.reasons


def check_books() -> None:
    """Everything that must agree does."""
    assert [finding for finding in verify(now=NOW) if finding.count] == []


# What is stored ---------------------------------------------------------------------------------------------------


def test_an_order_is_stored_as_it_was() -> None:
    imported(
        {
            "number": "web-17", "email": "Ada@Example.com", "first_name": "Ada", "last_name": "Byron", "phone": "123",
            "line1": "1 High Street", "city": "London", "postal_code": "N1", "country": "United Kingdom",
            "shipping_method": "Post", "coupon_code": "SPRING", "quantity": "2", "unit_price": "20.00",
            "discount": "5.00", "shipping": "4.50", "tax": "7.90", "paid_at": "2026-01-03 09:00",
        }
    )  # fmt: skip
    order = Order.objects.get()
    place = {"line1": "1 High Street", "line2": "", "city": "London", "region": "", "postalCode": "N1", "country": "GB"}
    assert (order.number, order.email, order.status, order.fulfillment_status) == (
        "WEB-17", "Ada@example.com", "success", "delivered",
    )  # fmt: skip
    assert (order.subtotal, order.discount_amount, order.shipping_amount, order.tax_amount, order.total) == tuple(
        map(Decimal, ("40.00", "5.00", "4.50", "7.90", "47.40"))
    )
    assert (order.first_name, order.last_name, order.phone, order.shipping_address) == ("Ada", "Byron", "123", place)
    assert (order.shipping_method, order.coupon_code, order.visitor_session_id) == ("Post", "SPRING", None)
    assert order.placed_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert order.paid_at == datetime(2026, 1, 3, 9, tzinfo=UTC)


def test_the_lines_of_an_order_may_stand_anywhere() -> None:
    imported({"number": "1", "sku": "A"}, {"number": "2", "sku": "B"}, {"number": "1", "sku": "C", "quantity": "3"})
    lines = OrderItem.objects.filter(order__number="1").values_list("sku", "quantity", "line_total")
    assert list(lines) == [("A", 1, Decimal("20.000")), ("C", 3, Decimal("60.000"))]


def test_what_is_said_of_an_order_may_stand_on_one_of_its_lines() -> None:
    imported({"number": "1", "email": "", "city": ""}, {"number": "1", "email": "ada@example.com", "city": "London"})
    order = Order.objects.get()
    assert (order.email, order.shipping_address["city"]) == ("ada@example.com", "London")


def test_a_line_without_a_name_is_called_by_its_sku() -> None:
    imported({"name": "", "sku": "22139", "unit_price": "0"})
    assert OrderItem.objects.get().name == "22139"


def test_the_history_says_where_an_order_came_from() -> None:
    imported({})
    row = OrderStatusChange.objects.get()
    assert (row.old, row.new, row.actor, row.reason) == ("", "success", "import_orders", "imported")


@pytest.mark.parametrize(
    ("said", "status"), [("Paid", "success"), ("voided", "cancelled"), ("failed", "failed"), ("expired", "expired")]
)
def test_an_order_is_paid_or_closed(said: str, status: str) -> None:
    imported({"status": said})
    order = Order.objects.get()
    assert (order.status, order.paid_at is None, order.closed_at is None) == (
        status,
        status != "success",
        status == "success",
    )


def test_tax_in_the_prices_is_told_by_the_total() -> None:
    imported({"tax": "3.33", "total": "20.00"})
    order = Order.objects.get()
    assert (order.tax_amount, order.total) == (Decimal("3.330"), Decimal("20.000"))


def test_a_product_is_known_by_its_sku_and_has_sold_what_was_paid() -> None:
    mug = ProductFactory.create(sku="MUG")
    imported({"quantity": "3"}, {"status": "cancelled"})
    mug.refresh_from_db()
    assert (mug.total_sold, mug.total_revenue) == (3, Decimal("60.000"))
    assert set(OrderItem.objects.values_list("product", flat=True)) == {mug.pk}


def test_no_stock_moves() -> None:
    mug = ProductFactory.create(sku="MUG", stock_quantity=1)
    imported({"quantity": "3"})
    assert Product.objects.get(pk=mug.pk).stock_quantity == 1
    assert not StockMovement.objects.filter(order_id__isnull=False).exists()


def test_nobody_is_told() -> None:
    imported({"email": "ada@example.com"})
    assert (Mail.objects.count(), OutboxEvent.objects.count()) == (0, 0)


def test_the_days_that_change_are_told() -> None:
    done = imported({"placed_at": "2026-01-02", "paid_at": "2026-01-04"}, {"placed_at": "2026-01-09"})
    assert done.touched == {date(2026, 1, 2), date(2026, 1, 4), date(2026, 1, 9)}


def test_the_totals_of_the_file_are_told_by_day() -> None:
    done = imported(
        {"number": "1", "placed_at": "2026-01-02 23:59"},
        {"number": "2", "placed_at": "2026-01-03 00:00", "quantity": "2"},
        {"number": "3", "placed_at": "2026-01-03 10:00", "quantity": "-1", "unit_price": "7.50"},
        {"number": "4", "placed_at": "2026-01-03 10:00", "status": "cancelled"},
    )
    assert done.tally.days == {
        JANUARY_2: DayTotals(1, Decimal("20.00"), 0, Decimal(0)),
        date(2026, 1, 3): DayTotals(1, Decimal("40.00"), 1, Decimal("7.50")),
    }


# Customers ----------------------------------------------------------------------------------------------------------


def test_a_customer_is_made_as_a_guest_of_the_first_order() -> None:
    imported(
        {"email": "ada@example.com", "placed_at": "2026-01-05"},
        {"email": "ADA@example.com", "placed_at": "2026-01-02", "quantity": "2"},
        {"email": "ada@example.com", "placed_at": "2026-01-06", "status": "cancelled"},
    )
    customer = Customer.objects.get()
    assert (customer.type, customer.total_orders, customer.total_spent) == ("guest", 2, Decimal("60.000"))
    assert (customer.created_at, customer.first_order_at) == (datetime(2026, 1, 2, tzinfo=UTC),) * 2
    assert customer.last_order_at == datetime(2026, 1, 5, tzinfo=UTC)


def test_a_customer_who_is_there_stays_as_they_are() -> None:
    ada = CustomerFactory.create(email="ada@example.com", first_name="Ada", total_orders=0)
    imported({"email": "Ada@Example.com", "first_name": "Augusta"})
    ada.refresh_from_db()
    assert (ada.first_name, ada.total_orders, Customer.objects.count()) == ("Ada", 1, 1)


def test_a_customer_without_an_address_has_one_that_reaches_nobody() -> None:
    imported({"customer": "17850"}, {"customer": "17850"})
    assert set(Order.objects.values_list("customer__email", "email")) == {("17850@imported.invalid", "")}


def test_orders_of_nobody_have_one_customer() -> None:
    imported({"customer": ""}, {"customer": ""})
    assert Customer.objects.get().email == "unknown@imported.invalid"


# Refunds --------------------------------------------------------------------------------------------------------------


def test_pieces_that_came_back_are_a_refund_on_its_own_day() -> None:
    imported({"number": "C1", "placed_at": "2026-01-09 10:00", "quantity": "-2", "unit_price": "1.65"})
    refund = Refund.objects.get()
    assert (refund.credit_note, refund.amount, refund.status, refund.was_sale) == ("C1", Decimal("3.300"), "done", True)
    assert (refund.made_at, refund.order, refund.attempt) == (datetime(2026, 1, 9, 10, tzinfo=UTC), None, None)


def test_a_refund_is_of_the_order_that_it_names() -> None:
    imported(
        {"number": "1", "quantity": "2", "email": "ada@example.com"},
        {"number": "C1", "quantity": "-1", "refund_of": "1", "placed_at": "2026-01-05"},
    )
    order = Order.objects.get()
    assert (Refund.objects.get().order, order.refunded_amount) == (order, Decimal("20.000"))
    assert Customer.objects.get(email="ada@example.com").total_spent == Decimal("20.000")
    check_books()


def test_a_refund_that_names_none_is_of_the_latest_order_of_its_customer_with_these_goods() -> None:
    ada = {"email": "ada@example.com"}
    imported(
        ada | {"number": "1", "placed_at": "2026-01-02"},
        ada | {"number": "2", "placed_at": "2026-01-03"},
        ada | {"number": "3", "placed_at": "2026-01-04", "sku": "CUP"},
        ada | {"number": "4", "placed_at": "2026-01-05", "unit_price": "21.00"},
        ada | {"number": "C", "placed_at": "2026-01-06", "quantity": "-1"},
        ada | {"number": "5", "placed_at": "2026-01-07"},
    )
    assert Refund.objects.get().order == Order.objects.get(number="2")


def test_two_refunds_of_one_order_do_not_take_more_than_it_came_to() -> None:
    ada = {"email": "ada@example.com", "placed_at": "2026-01-05"}
    imported(
        *(ada | {"number": number} for number in "12"), *(ada | {"number": f"C{n}", "quantity": "-1"} for n in "123")
    )
    assert list(Order.objects.values_list("refunded_amount", flat=True)) == [Decimal("20.000")] * 2
    assert Refund.objects.filter(order=None).count() == 1
    check_books()


def test_orders_of_nobody_are_not_matched() -> None:
    imported({"number": "1"}, {"number": "C", "quantity": "-1", "placed_at": "2026-01-05"})
    assert Refund.objects.get().order is None


def test_a_refund_before_its_order_in_the_file_is_of_it_too() -> None:
    imported({"number": "C", "quantity": "-1", "refund_of": "1", "placed_at": "2026-01-05"}, {"number": "1"})
    assert Refund.objects.get().order == Order.objects.get()


def test_an_order_may_say_how_much_of_it_went_back() -> None:
    imported({"number": "1", "refunded": "5.00", "refunded_at": "2026-01-05"})
    refund = Refund.objects.get()
    assert (refund.credit_note, refund.amount, refund.order) == ("1-R", Decimal("5.000"), Order.objects.get())
    assert refund.made_at == datetime(2026, 1, 5, tzinfo=UTC)


def test_money_that_was_paid_here_does_not_go_back_by_import() -> None:
    OrderSessionFactory.create(order=OrderFactory.create(number="1", status="success"), status="completed")
    done = imported({"number": "C", "quantity": "-1", "refund_of": "1", "placed_at": "2026-01-05"})
    assert done.reasons == [(2, "refund_of", "there is no imported order 1 of which 20.00 is left")]


def test_a_refund_whose_order_is_not_there_is_in_no_total() -> None:
    back = {"quantity": "-1", "placed_at": "2026-01-05"}
    done = imported({"number": "1"}, back | {"number": "C1", "refund_of": "9"}, back | {"number": "C2"})
    assert (done.tally.refunds, done.tally.refunds_added, done.tally.refused_lines) == (1, 1, 1)
    assert done.tally.days[date(2026, 1, 5)] == DayTotals(0, Decimal(0), 1, Decimal("20.00"))
    assert Refund.objects.get().credit_note == "C2"


def test_a_refund_of_what_was_never_paid_is_none() -> None:
    done = imported({"quantity": "-1", "status": "failed"})
    assert done.reasons == [(2, "status", "only money of a paid order goes back")]


# Again ----------------------------------------------------------------------------------------------------------------


def test_a_file_imported_twice_adds_nothing() -> None:
    rows = ({"number": "1", "refunded": "5"}, {"number": "2"}, {"number": "C", "quantity": "-1"})
    imported(*rows)
    again = imported(*rows)
    assert (Order.objects.count(), Refund.objects.count(), OrderItem.objects.count()) == (2, 2, 2)
    assert (again.tally.added, again.tally.unchanged) == (0, 2)
    assert (again.tally.refunds_added, again.tally.refunds_unchanged) == (0, 2)
    assert again.touched == set()
    check_books()


def test_what_a_file_has_more_the_next_time_is_added() -> None:
    imported({"number": "1"})
    again = imported({"number": "1", "refunded": "5"}, {"number": "2"})
    assert (again.tally.added, again.tally.unchanged, again.tally.refunds_added) == (1, 1, 1)


def test_an_order_that_is_another_now_is_refused() -> None:
    imported({"number": "1"})
    again = imported({"number": "1", "quantity": "2"})
    reason = "there is an order of this number already, of another time, total or status"
    assert (again.reasons, Order.objects.get().total) == ([(2, "number", reason)], Decimal("20.000"))


def test_a_refund_that_is_another_now_is_refused() -> None:
    imported({"number": "C", "quantity": "-1"})
    again = imported({"number": "C", "quantity": "-2"})
    assert again.reasons == [(2, "number", "there is a refund of this number already, of another time or amount")]


def test_what_stopped_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    content = csv_of(*({"number": str(number)} for number in range(3)), {"number": "C", "quantity": "-1"})
    monkeypatch.setattr(storing, "BATCH", 1)
    batches: list[set[date]] = []

    def stop_at_the_second(days: set[date]) -> None:
        batches.append(days)
        if len(batches) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_orders(
            lines=io.BytesIO(content),
            notation=Notation(NOW),
            dry_run=False,
            tally=(tally := Tally()),
            refused=print,
            touched=stop_at_the_second,
        )
    assert (tally.added, Order.objects.count()) == (1, 1)
    assert (Done(content).tally.added, Order.objects.count(), Refund.objects.count()) == (2, 3, 1)


def test_how_far_it_came_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    imported({"number": "1"})
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(storing, "BATCH", 2)
    import_orders(
        lines=io.BytesIO(csv_of(*({"number": str(n)} for n in range(4)), {"number": "C", "quantity": "-1"})),
        notation=Notation(NOW),
        dry_run=False,
        tally=Tally(),
        refused=print,
        touched=lambda _days: None,
        stored=lambda stored, total: told.append((stored, total)),
    )
    assert told == [(2, 4), (3, 4), (4, 4)]


def test_a_dry_run_says_the_same_and_stores_nothing() -> None:
    done = imported({"number": "1"}, {"number": "C", "quantity": "-1"}, {"number": "2", "quantity": "x"}, dry_run=True)
    assert (done.tally.orders, done.tally.refunds, done.tally.refused_lines, len(done.tally.days)) == (1, 1, 1, 1)
    assert (Order.objects.exists(), Refund.objects.exists(), Customer.objects.exists()) == (False,) * 3


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "said", "reason"),
    [
        ("number", "", "must be a number or a name of up to 40 characters without spaces"),
        ("number", "4 5", "must be a number or a name of up to 40 characters without spaces"),
        ("number", "1" * 41, "must be a number or a name of up to 40 characters without spaces"),
        ("quantity", "", "is needed"),
        ("quantity", "0", "must be a whole number such as 2, or -2 for pieces that came back"),
        ("quantity", "1.5", "must be a whole number such as 2, or -2 for pieces that came back"),
        ("quantity", "9" * 9, "must be a whole number such as 2, or -2 for pieces that came back"),
        ("unit_price", "", "is needed"),
        ("unit_price", "2,50", "must be an amount such as 48.90"),
        ("unit_price", "-2", "must be an amount such as 48.90"),
        ("unit_price", "0.001", "GBP has 2 decimals"),
        ("placed_at", "", "is needed"),
        ("placed_at", "1/2/26", "must be a time such as 2026-03-28 14:30, or a day"),
        ("email", "ada", "must be an e-mail address"),
        ("customer", "a b", "must be a number or a name of letters without accents, digits and ._-"),
        ("currency", "EUR", "must be GBP, the shop's currency"),
        ("status", "lost", "must be one of paid, success, refunded, partially_refunded, cancelled, canceled, voided, "
         "failed, expired"),
        ("sku", "A\nB", "has a line break or another control character"),
        ("total", "21.00", "is 21.00, the parts come to 20.00"),
        ("total", "-20.00", "is below 0, as only that of a refund can be"),
        ("discount", "21.00", "the order comes to -1.00"),
        ("refunded", "21.00", "is more than the total"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_used_is_refused(field: str, said: str, reason: str) -> None:
    assert reasons({field: said}) == [(2, field, reason)]


def test_everything_that_is_wrong_with_a_line_is_told() -> None:
    assert {field for _line, field, _reason in reasons({"quantity": "x", "unit_price": "y", "email": "z"})} == {
        "quantity",
        "unit_price",
        "email",
    }


def test_an_order_is_refused_whole() -> None:
    found = reasons({"number": "1"}, {"number": "1", "quantity": "x"}, {"number": "1"})
    assert [(line, reason) for line, _field, reason in found] == [
        (3, "must be a whole number such as 2, or -2 for pieces that came back"),
        (2, "is of order 1, of which a line is refused"),
        (4, "is of order 1, of which a line is refused"),
    ]


def test_lines_that_do_not_agree_are_no_order() -> None:
    assert reasons(
        {"number": "1", "email": "ada@example.com", "city": "London"},
        {"number": "1", "email": "bob@example.com", "city": "Paris"},
    ) == [
        (2, "email, city", "is not the same on all lines of this order"),
        (3, "", "is of order 1, which is refused: email, city is not the same on all lines of this order"),
    ]


def test_pieces_that_were_sold_and_pieces_that_came_back_are_two_orders() -> None:
    (first, _second) = reasons({"number": "1"}, {"number": "1", "quantity": "-1"})
    assert first == (2, "quantity", "there are pieces that were sold and pieces that came back")


def test_a_refund_of_nothing_is_none() -> None:
    assert reasons({"quantity": "-1", "unit_price": "0"}) == [(2, "quantity", "this refund gives nothing back")]


def test_what_is_refused_is_in_no_total() -> None:
    done = imported({"number": "1"}, {"number": "2", "total": "3"})
    assert (done.tally.orders, done.tally.days[JANUARY_2].sales) == (1, Decimal("20.00"))


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(WrongSheetError, match="There is no column: number, placed_at, quantity, unit_price"):
        Done(b"article;price\n1;2\n")


def test_a_file_of_no_lines_has_no_orders() -> None:
    assert Done(b"number,placed_at,quantity,unit_price\n").tally.orders == 0


def test_amounts_may_have_a_decimal_comma() -> None:
    Done(csv_of({"unit_price": "2,50"}), decimal_comma=True)
    assert Order.objects.get().total == Decimal("2.500")


def test_a_hundred_orders_take_as_many_statements_as_one() -> None:
    counts = []
    for many in (1, 100):
        with CaptureQueriesContext(connection) as queries:
            imported(*({"number": f"{many}-{number}", "email": f"a{number}@example.com"} for number in range(many)))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_books_agree_afterwards() -> None:
    ProductFactory.create(sku="MUG")
    imported(
        {"number": "1", "email": "ada@example.com", "quantity": "3", "shipping": "4.50"},
        {"number": "2", "email": "bob@example.com", "status": "cancelled"},
        {"number": "3", "email": "ada@example.com", "refunded": "5"},
        {"number": "C1", "email": "ada@example.com", "quantity": "-1", "placed_at": "2026-01-05"},
    )
    check_books()


def test_products_are_taken_last() -> None:
    ProductFactory.create(sku="MUG")
    with CaptureQueriesContext(connection) as queries:
        imported({"email": "ada@example.com"})
    tables = ("orders_order ", "orders_orderitem", "orders_orderstatuschange", "customers_customer", "catalog_product")
    written = [
        next(table for table in tables if f"INSERT INTO {table}" in sql or f"UPDATE {table}" in sql)
        for sql in (query["sql"] for query in queries)
        if any(f"INSERT INTO {table}" in sql or f"UPDATE {table}" in sql for table in tables)
    ]
    assert (written[-1], written.count("catalog_product")) == ("catalog_product", 1)
