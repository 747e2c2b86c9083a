"""What billing reports becomes the order's state, in whatever order and however often it says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from checkout.models import CheckoutSession, Coupon
from core.clock import now
from customers.models import Customer
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt, Refund
from orders.providers.contract import Report
from orders.services import cancel_order, expire_due, retry_payment, settle_attempt
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """Two mugs and a tea, pending, its first attempt open."""
    return shopper.order(world, (world.mug, 2), (world.tea, 1))


def state(order: Order) -> tuple[str, str, str]:
    """Status of order, payment window and checkout."""
    found = Order.objects.select_related("session").get(pk=order.pk)
    return found.status, found.session.status, CheckoutSession.objects.get(order=found).status


def decline(order: Order, times: int) -> None:
    """Lets so many attempts fail, each followed by a retry but the last."""
    for number in range(1, times + 1):
        report(attempt_of(order, number), "failure")
        if number < times:
            retry_payment(order_id=order.id, now=now())


def test_money_makes_the_order_a_success(order: Order) -> None:
    attempt = report(attempt_of(order), "success")
    assert state(order) == ("success", "completed", "success")
    assert attempt is not None
    assert (attempt.status, attempt.next_poll_at) == ("success", None)
    check_books()


def test_a_paid_order_counts_for_customer_product_and_visit(order: Order, world: World) -> None:
    report(attempt_of(order), "success")
    order.refresh_from_db()
    customer, mug = Customer.objects.get(), Product.objects.get(pk=world.mug.pk)
    assert (customer.total_orders, customer.total_spent) == (1, order.total)
    assert (customer.first_order_at, customer.last_order_at) == (order.placed_at, order.placed_at)
    assert (mug.total_sold, mug.total_revenue, mug.stock_quantity) == (2, Decimal(40), 8)
    visit = VisitorSession.objects.get()
    assert (visit.converted, visit.order_id, visit.converted_at) == (True, order.id, order.paid_at)


def test_a_paid_order_is_told_to_other_services_once(order: Order) -> None:
    for _ in range(3):
        report(attempt_of(order), "success")
    assert list(OutboxEvent.objects.values_list("topic", flat=True)) == ["order.created", "order.paid"]
    assert [change.new for change in order.history.filter(field="status")] == ["pending", "success"]


def test_a_settling_that_is_rolled_back_leaves_no_trace(order: Order) -> None:
    with transaction.atomic():
        report(attempt_of(order), "success")
        transaction.set_rollback(True)
    assert state(order) == ("pending", "active", "open")
    assert OutboxEvent.objects.count() == 1
    check_books()


def test_an_unknown_pay_session_changes_nothing(order: Order) -> None:
    said = Report("success", order.total, "GBP")
    assert settle_attempt(billing_checkout_id="pay_nobody", report=said, actor="test", now=now()) is None
    assert state(order) == ("pending", "active", "open")


@pytest.mark.parametrize("status", ["open", "unknown"])
def test_news_of_nothing_changes_nothing(status: str, order: Order) -> None:
    report(attempt_of(order), status)
    assert state(order) == ("pending", "active", "open")
    assert attempt_of(order).status == "open"


@pytest.mark.parametrize(("amount", "currency"), [("53.44", "GBP"), ("0", "GBP"), ("5345", "GBP"), ("53.45", "USD")])
def test_another_amount_or_currency_is_never_accepted(amount: str, currency: str, world: World, order: Order) -> None:
    attempt = attempt_of(order)
    said = Report("success", attempt.amount if amount == "53.45" else Decimal(amount), currency)
    settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=said, actor="test", now=now())
    order.refresh_from_db()
    assert (order.status, order.paid_at) == ("pending", None)
    assert order.needs_attention.startswith("billing took ")
    assert order.history.filter(field="needs_attention").count() == 1
    check_books()


def test_the_same_amount_in_other_digits_is_accepted(order: Order) -> None:
    attempt = attempt_of(order)
    said = Report("success", Decimal(f"{attempt.amount}00"), "GBP")
    settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=said, actor="test", now=now())
    assert state(order)[0] == "success"


@pytest.mark.parametrize("status", ["failure", "timeout"])
def test_a_declined_attempt_leaves_the_order_pending_with_its_stock(status: str, world: World, order: Order) -> None:
    report(attempt_of(order), status)
    assert state(order) == ("pending", "active", "open")
    assert attempt_of(order).status == status
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 8
    check_books()


def test_declined_then_retried_then_paid(order: Order) -> None:
    decline(order, 1)
    retry_payment(order_id=order.id, now=now())
    report(attempt_of(order, 2), "success")
    assert state(order) == ("success", "completed", "success")
    check_books()


def test_the_last_attempt_that_fails_closes_the_order_and_gives_all_back(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world, coupon=CouponFactory(max_uses=1).code)
    decline(order, 3)
    assert state(order) == ("failed", "cancelled", "failure")
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10
    assert Coupon.objects.get().used_count == 0
    assert OutboxEvent.objects.last().topic == "order.failed"  # type: ignore[union-attr] # it fails if there is none
    check_books()


def test_the_last_attempt_that_fails_after_the_window_expires_the_order(order: Order) -> None:
    decline(order, 2)
    retry_payment(order_id=order.id, now=now())
    window_ends(order)
    report(attempt_of(order, 3), "failure")
    assert state(order)[0] == "pending"
    assert expire_due(now=now()).expired == 1
    assert state(order) == ("expired", "expired", "timeout")
    check_books()


REPORTS = ("open", "failure", "timeout", "success", "success")


@pytest.mark.parametrize("said", sorted(set(permutations(REPORTS))), ids=",".join)
def test_every_order_of_reports_with_triplicates_ends_paid_once(said: tuple[str, ...], order: Order) -> None:
    for status in said:
        for _copy in range(3):
            report(attempt_of(order), status)
    assert state(order) == ("success", "completed", "success")
    assert attempt_of(order).status == "success"
    assert not Refund.objects.exists()
    assert OutboxEvent.objects.filter(topic="order.paid").count() == 1
    check_books()


def test_money_for_an_expired_order_is_taken_if_the_stock_is_there(order: Order, world: World) -> None:
    window_ends(order)
    expire_due(now=now())
    report(attempt_of(order), "success")
    assert state(order) == ("success", "completed", "success")
    order.refresh_from_db()
    assert (order.closed_at, order.needs_attention) == (None, "")
    assert [(c.old, c.new, c.reason) for c in order.history.all()][-1] == ("expired", "success", "paid_late")
    assert [m.reason for m in world.mug.movements.all()] == ["sold_late", "released", "reserved", "initial"]
    check_books()


@pytest.mark.parametrize("copies", [1, 3])
def test_money_for_an_expired_order_goes_back_if_the_stock_is_gone(
    copies: int, order: Order, world: World, billing: BillingService
) -> None:
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 9))
    for _ in range(copies):
        report(attempt_of(order), "success")
    order.refresh_from_db()
    assert (order.status, order.needs_attention) == ("expired", "paid late, sold out meanwhile")
    assert attempt_of(order).status == "success"
    refund = Refund.objects.get()
    assert (refund.amount, refund.status, refund.was_sale) == (order.total, "requested", False)
    check_books()


def test_part_of_the_late_stock_is_not_taken(order: Order, world: World) -> None:
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.tea, 10))
    report(attempt_of(order), "success")
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10
    check_books()


def test_money_for_a_product_that_was_deleted_goes_back(order: Order, world: World) -> None:
    window_ends(order)
    expire_due(now=now())
    Product.objects.filter(pk=world.tea.pk).delete()
    report(attempt_of(order), "success")
    order.refresh_from_db()
    assert (order.status, Refund.objects.count()) == ("expired", 1)


def test_money_by_an_earlier_attempt_pays_the_order(order: Order) -> None:
    decline(order, 1)
    retry_payment(order_id=order.id, now=now())
    report(attempt_of(order, 1), "success")
    assert state(order)[0] == "success"
    check_books()


def test_money_that_comes_twice_by_two_attempts_goes_back_once(order: Order) -> None:
    decline(order, 1)
    retry_payment(order_id=order.id, now=now())
    report(attempt_of(order, 1), "success")
    for _ in range(2):
        report(attempt_of(order, 2), "success")
    order.refresh_from_db()
    assert (order.status, order.needs_attention) == ("success", "paid twice")
    assert [refund.of_attempt.number for refund in Refund.objects.all()] == [2]
    check_books()


SHARED = ("customers_customer", "sessions_app_visitorsession", "checkout_coupon", "catalog_product")
"""What orders of one shopper, or of one product, change together."""


def test_whatever_happens_to_an_order_takes_its_products_last(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    """Of two that take products and customers, visits or coupons in two orders each could wait for the other; and a
    product that everybody wants is held no longer than it must be (docs/decisions/0014).
    """
    coupon = CouponFactory.create().code
    order, other = shopper.order(world, coupon=coupon), shopper.order(world, coupon=coupon)
    works: dict[str, Callable[[], object]] = {
        "placed": lambda: shopper.order(world, coupon=coupon),
        "paid": lambda: report(attempt_of(other), "success"),
        "cancelled": lambda: cancel_order(order_id=order.id, actor="customer", now=now()),
        "paid late": lambda: report(attempt_of(order), "success"),
    }
    for what, work in works.items():
        with CaptureQueriesContext(connection) as captured:
            work()
        updates = [query["sql"] for query in captured if "UPDATE" in query["sql"]]
        of_products = ["catalog_product" in sql for sql in updates if any(map(sql.count, SHARED))]
        assert True in of_products, what
        assert of_products == sorted(of_products), (what, updates)


def test_paid_orders_of_one_customer_add_up(world: World, billing: BillingService, shopper: Shopper) -> None:
    orders = [shopper.order(world, (world.tea, number)) for number in (1, 2)]
    for order in orders:
        report(attempt_of(order), "success")
    customer = Customer.objects.get()
    assert customer.total_orders == 2
    assert customer.first_order_at == orders[0].placed_at
    assert customer.last_order_at == orders[1].placed_at
    check_books()


def test_three_attempts_are_the_most(order: Order) -> None:
    decline(order, 3)
    assert PaymentAttempt.objects.count() == 3
    assert OrderSession.objects.get().payment_attempts == 3


def test_a_report_from_the_future_window_keeps_the_time_it_came(order: Order) -> None:
    moment = now() + timedelta(minutes=3)
    report(attempt_of(order), "success", at=moment)
    order.refresh_from_db()
    assert order.paid_at == moment
