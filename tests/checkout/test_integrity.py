"""`manage.py verify_integrity`: a shop in order is clean; each check finds what breaks it, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.models import Product, StockMovement
from checkout.models import CheckoutSession, Coupon, CouponUse
from core import integrity
from core.clock import now
from customers.models import Customer
from orders.models import Order, OrderItem, OrderSession, OrderStatusChange, PaymentAttempt, Refund
from orders.services import cancel_order, expire_due, retry_payment
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.database import unguarded
from tests.factories import CheckoutSessionFactory, CouponFactory, OrderItemFactory, RefundFactory
from tests.world import Shopper, World, attempt_of, problems, report, window_ends

pytestmark = pytest.mark.django_db
Break = Callable[[], object]


@pytest.fixture(autouse=True)
def shop(world: World, billing: BillingService) -> None:
    """One order of each fate: pending, paid, expired, failed, cancelled, and paid twice."""
    coupon = CouponFactory(code="TEN").code
    pending, paid, expired, failed, cancelled, twice = (Shopper().order(world, coupon=coupon) for _ in range(6))
    report(attempt_of(paid), "success")
    window_ends(expired)
    expire_due(now=now())
    for number in (1, 2, 3):
        report(attempt_of(failed, number), "failure")
        if number < 3:
            retry_payment(order_id=failed.id, now=now())
    cancel_order(order_id=cancelled.id, actor="customer", now=now())
    report(attempt_of(twice), "failure")
    retry_payment(order_id=twice.id, now=now())
    for number in (1, 2):
        report(attempt_of(twice, number), "success")
    assert Order.objects.get(pk=pending.pk).status == "pending"


def without(constraint: str, table: str) -> None:
    """Takes a constraint of the database away: for what it would not let happen."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
        cursor.execute(f"DROP INDEX IF EXISTS {constraint}")


def of(status: str) -> Order:
    """The order of that fate."""
    return Order.objects.filter(status=status).earliest("placed_at")


def add_to_stock() -> None:
    Product.objects.filter(name="Mug").update(stock_quantity=99)


def lose_a_reservation() -> None:
    StockMovement.objects.create(
        product=Product.objects.get(name="Mug"), delta=1, reason="released", order_id=of("pending").pk
    )
    Product.objects.filter(name="Mug").update(stock_quantity=Product.objects.get(name="Mug").stock_quantity + 1)


def hold_stock_for_ever() -> None:
    StockMovement.objects.create(
        product=Product.objects.get(name="Mug"), delta=-1, reason="reserved", order_id=of("expired").pk
    )
    Product.objects.filter(name="Mug").update(stock_quantity=Product.objects.get(name="Mug").stock_quantity - 1)


def forget_a_sale() -> None:
    Product.objects.filter(name="Mug").update(total_sold=0)


def forget_revenue() -> None:
    Product.objects.filter(name="Mug").update(total_revenue=1)


def forget_an_order() -> None:
    Customer.objects.filter(orders=of("success")).update(total_orders=0)


def spend_more() -> None:
    Customer.objects.filter(orders=of("pending")).update(total_spent=5)


def change_a_total() -> None:
    without("order_total_is_the_sum_of_its_parts", "orders_order")
    Order.objects.filter(pk=of("pending").pk).update(total=1)


def change_a_line() -> None:
    OrderItem.objects.filter(order=of("pending")).update(line_total=1)


def leave_an_order_behind() -> None:
    window_ends(of("pending"), ago=timedelta(minutes=5))


def take_a_window_away() -> None:
    OrderSession.objects.filter(order=of("pending")).delete()


def end_a_window() -> None:
    OrderSession.objects.filter(order=of("pending")).update(status="expired")


def change_without_history() -> None:
    with unguarded():
        OrderStatusChange.objects.filter(order=of("expired"), new="expired").update(new="failed")


def ignore_money() -> None:
    attempt = PaymentAttempt.objects.filter(order_session__order=of("expired"))
    attempt.update(status="success")


def pay_without_money() -> None:
    PaymentAttempt.objects.filter(order_session__order=of("success")).update(
        status="failure", counted_at=None, paid_amount=None
    )


def ignore_what_came_besides() -> None:
    Order.objects.exclude(needs_attention="").update(needs_attention="")


def ignore_what_came_after_a_decision() -> None:
    order = Order.objects.exclude(needs_attention="").get()
    decided = {"field": "needs_attention", "old": order.needs_attention, "new": "", "actor": "staff"}
    OrderStatusChange.objects.create(order=order, created_at=now() - timedelta(hours=1), **decided)
    ignore_what_came_besides()


def count_a_failure() -> None:
    without("payment_attempt_counts_if_money_came", "orders_paymentattempt")
    without("payment_attempt_took_money_if_success", "orders_paymentattempt")
    PaymentAttempt.objects.filter(order_session__order=of("success")).update(status="failure")


def count_for_a_closed_order() -> None:
    PaymentAttempt.objects.filter(order_session__order=of("expired")).update(
        status="success", counted_at=now(), paid_amount=1
    )


def send_back_what_counts() -> None:
    counted = PaymentAttempt.objects.exclude(counted_at=None).earliest("opened_at")
    RefundFactory(attempt=counted, amount=counted.paid_amount, was_sale=False)


def send_back_less() -> None:
    Refund.objects.filter(was_sale=False).update(amount=1)


def refund_a_sale_that_was_none() -> None:
    RefundFactory(attempt=attempt_of(of("expired")), was_sale=True)


def forget_a_refund() -> None:
    counted = PaymentAttempt.objects.exclude(counted_at=None).earliest("opened_at")
    RefundFactory(attempt=counted, amount=5, done=True)


def refund_by_hand() -> None:
    order = of("success")
    Order.objects.filter(pk=order.pk).update(refunded_amount=5)
    Customer.objects.filter(pk=order.customer_id).update(total_spent=order.total - 5)


def lose_a_conversion() -> None:
    visit = VisitorSession.objects.filter(orders=of("success"))
    assert visit.update(converted=False, converted_at=None) == 1


def lose_the_order_of_a_checkout() -> None:
    CheckoutSession.objects.filter(order=of("success")).update(order=None)


def invent_a_success() -> None:
    CheckoutSessionFactory(status="success")


def open_on_a_closed_order() -> None:
    PaymentAttempt.objects.filter(order_session__order=of("cancelled")).update(status="open", resolved_at=None)


def open_two() -> None:
    without("one_open_payment_attempt_an_order", "orders_paymentattempt")
    first = attempt_of(of("pending"))
    second = PaymentAttempt(order_session=first.order_session, number=2, billing_checkout_id="second", payment_url="/")
    second.amount, second.currency, second.opened_at = first.amount, first.currency, now()
    second.save()
    OrderSession.objects.filter(pk=first.order_session_id).update(payment_attempts=2)


def miscount_attempts() -> None:
    OrderSession.objects.filter(order=of("pending")).update(payment_attempts=0)


def miscount_a_coupon() -> None:
    Coupon.objects.update(used_count=9)


def keep_a_use() -> None:
    order = of("expired")
    CouponUse.objects.create(coupon=Coupon.objects.get(), order=order, customer=order.customer)
    Coupon.objects.update(used_count=CouponUse.objects.count())


def leave_a_checkout_open() -> None:
    CheckoutSession.objects.filter(order=of("expired")).update(status="open", lapsed_at=None)


def recover_without_money() -> None:
    order = of("failed")
    CheckoutSession.objects.filter(order=of("expired")).update(
        recovered_at=now(), recovered_order=order, recovered_total=order.total
    )


BREAKS: list[tuple[Break, str]] = [
    (add_to_stock, "stock_is_its_ledger"),
    (lose_a_reservation, "order_holds_its_stock"),
    (hold_stock_for_ever, "order_holds_its_stock"),
    (forget_a_sale, "product_totals_are_paid_orders"),
    (forget_revenue, "product_totals_are_paid_orders"),
    (forget_an_order, "customer_totals_are_paid_orders"),
    (spend_more, "customer_totals_are_paid_orders"),
    (change_a_total, "order_total_is_its_parts"),
    (change_a_line, "order_total_is_its_parts"),
    (leave_an_order_behind, "pending_order_is_in_its_window"),
    (take_a_window_away, "pending_order_is_in_its_window"),
    (end_a_window, "window_ends_as_its_order"),
    (change_without_history, "history_ends_in_the_status"),
    (ignore_money, "paid_attempt_is_accounted_for"),
    (ignore_what_came_besides, "paid_attempt_is_accounted_for"),
    (ignore_what_came_after_a_decision, "paid_attempt_is_accounted_for"),
    (pay_without_money, "paid_order_has_its_money"),
    (count_a_failure, "counted_money_is_that_of_a_paid_order"),
    (count_for_a_closed_order, "counted_money_is_that_of_a_paid_order"),
    (send_back_what_counts, "counted_money_is_that_of_a_paid_order"),
    (send_back_less, "refund_is_of_money_that_came"),
    (refund_a_sale_that_was_none, "refund_is_of_money_that_came"),
    (forget_a_refund, "refunded_amount_is_its_refunds"),
    (refund_by_hand, "refunded_amount_is_its_refunds"),
    (lose_a_conversion, "paid_order_converts_its_visit"),
    (open_on_a_closed_order, "one_open_attempt_at_most"),
    (open_two, "one_open_attempt_at_most"),
    (miscount_attempts, "window_counts_its_attempts"),
    (miscount_a_coupon, "coupon_count_is_its_uses"),
    (keep_a_use, "coupon_use_is_of_a_live_order"),
    (leave_a_checkout_open, "checkout_ends_as_its_order"),
    (recover_without_money, "recovered_checkout_was_paid"),
    (lose_the_order_of_a_checkout, "checkout_success_has_its_order"),
    (invent_a_success, "checkout_success_has_its_order"),
]


def test_a_shop_in_order_is_clean() -> None:
    assert problems() == {}


@pytest.mark.parametrize(("damage", "name"), BREAKS, ids=[damage.__name__ for damage, _name in BREAKS])
def test_a_check_finds_what_breaks_it_and_the_others_do_not(damage: Break, name: str) -> None:
    damage()
    assert set(problems()) == {name}


def test_every_check_has_a_test_that_breaks_it() -> None:
    assert {name for _damage, name in BREAKS} == set(integrity.checks)


def test_a_pending_order_is_given_the_grace_and_two_runs() -> None:
    window_ends(of("pending"), ago=timedelta(minutes=3))
    assert problems() == {}


def test_an_order_that_was_imported_needs_no_window() -> None:
    item = OrderItemFactory(order__paid=True)
    Customer.objects.filter(orders=item.order).update(total_orders=1, total_spent=20)
    Product.objects.filter(orderitem=item).update(total_sold=1, total_revenue=20)
    assert problems() == {}


def test_an_order_that_an_earlier_attempt_paid_keeps_its_open_one(world: World) -> None:
    """Billing ends that one, and money that comes by it all the same goes back."""
    order = Shopper().order(world)
    report(attempt_of(order, 1), "failure")
    retry_payment(order_id=order.id, now=now())
    report(attempt_of(order, 1), "success")
    assert (attempt_of(order, 2).status, problems()) == ("open", {})


def test_money_that_staff_have_decided_about_is_accounted_for() -> None:
    ignore_money()
    decided = {"field": "needs_attention", "old": "x", "new": "", "actor": "staff", "created_at": now()}
    OrderStatusChange.objects.create(order=of("expired"), **decided)
    assert problems() == {}


def command(*words: str) -> str:
    """What the command prints."""
    stdout = StringIO()
    call_command("verify_integrity", *words, stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


def test_the_command_says_that_all_is_well() -> None:
    said: dict[str, Any] = json.loads(command("--json"))
    assert said["clean"] is True
    assert {check["name"] for check in said["checks"]} == set(integrity.checks)
    assert "Integrity" in command()


@pytest.mark.parametrize("words", [["--json"], []])
def test_the_command_exits_1_with_a_list(words: list[str]) -> None:
    add_to_stock()
    stdout = StringIO()
    with pytest.raises(CommandError, match="1 problems: stock_is_its_ledger") as caught:
        call_command("verify_integrity", *words, stdout=stdout, stderr=StringIO())
    assert caught.value.returncode == 1
    assert Product.objects.get(name="Mug").sku in stdout.getvalue()
    assert "stock 99, ledger" in stdout.getvalue()


def test_a_long_list_is_cut_and_counted_whole() -> None:
    with unguarded():
        OrderStatusChange.objects.filter(field="status").update(new="lost")
    found = {finding.check.name: finding for finding in integrity.verify(now=now(), shown=2)}
    history = found["history_ends_in_the_status"]
    assert (history.count, len(history.examples)) == (6, 2)
