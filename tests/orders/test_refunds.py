"""Money on its way back: sent once, tried again, never forgotten."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.clock import now
from orders.models import Order, Refund
from orders.services import expire_due, refund_attention, send_refunds
from orders.services.refunds import LEASE, REFUSALS, claim
from tests.billing_server import BillingService
from tests.factories import RefundFactory
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def refund(world: World, billing: BillingService, shopper: Shopper) -> Refund:
    """Paid late, sold out meanwhile."""
    order = shopper.order(world, (world.mug, 2))
    window_ends(order)
    expire_due(now=now())
    billing.settle(billing.only().checkout_id, "success")
    Shopper().order(world, (world.mug, 10))
    report(attempt_of(order), "success")
    return Refund.objects.get()


def refunded(billing: BillingService) -> list[str]:
    """What billing gave back."""
    return [amount for session in billing.sessions.values() for amount in session.refunds.values()]


def test_it_is_sent_with_its_amount_and_written_down(refund: Refund, billing: BillingService) -> None:
    at = now()
    assert send_refunds(now=at) == 1
    assert refunded(billing) == ["55.00"]
    refund.refresh_from_db()
    assert (refund.status, refund.made_at, refund.next_try_at) == ("done", at, None)
    check_books()


def test_money_of_a_sale_that_went_back_is_earned_no_more(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world, (world.mug, 2))
    RefundFactory(attempt=report(attempt_of(order), "success"), amount=Decimal("5.50"), next_try_at=now())
    for _time in range(2):
        send_refunds(now=now())
    order.refresh_from_db()
    change = order.history.get(field="refunded_amount")
    assert (order.refunded_amount, change.old, change.new) == (Decimal("5.50"), "0.00", "5.50")
    assert order.customer.total_spent == order.total - Decimal("5.50")
    check_books()


def test_it_is_sent_once(refund: Refund, billing: BillingService) -> None:
    send_refunds(now=now())
    assert send_refunds(now=now() + timedelta(hours=1)) == 0
    assert billing.calls["refund"] == 1


def test_an_answer_that_got_lost_refunds_nothing_twice(refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", down=True, acts=True)
    assert send_refunds(now=now()) == 0
    billing.well()
    assert send_refunds(now=now() + timedelta(minutes=1)) == 1
    assert refunded(billing) == ["55.00"]


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_refused_one_is_tried_again_later_and_later(status: int, refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", status=status)
    pauses = []
    at = now()
    for _ in range(3):
        assert send_refunds(now=at) == 0
        refund.refresh_from_db()
        assert refund.next_try_at is not None
        pauses.append((refund.next_try_at - at).total_seconds())
        at = refund.next_try_at
    assert pauses == sorted(set(pauses))
    assert refund.status == "requested"
    assert refund.last_error


def refuse(refund: Refund, times: int) -> None:
    """Sends it so often, each time when it is due."""
    for _ in range(times):
        refund.refresh_from_db()
        assert refund.next_try_at is not None
        send_refunds(now=refund.next_try_at)
    refund.refresh_from_db()


@pytest.mark.parametrize("status", [400, 404, 409])
def test_one_that_billing_goes_on_refusing_fails_and_staff_hear_why(
    status: int, refund: Refund, billing: BillingService
) -> None:
    billing.knob("refund", status=status, body={"error": "too old"})
    refuse(refund, REFUSALS)
    order = Order.objects.get(pk=refund.of_attempt.order_session.order_id)
    assert (refund.status, refund.next_try_at, refund.made_at) == ("failed", None, None)
    said = f'a refund of 55.00 GBP was refused: HTTP {status}: {{"error": "too old"}}'
    assert order.needs_attention == said
    assert order.history.filter(field="refund", new="failed", actor="send_refunds").count() == 1


def test_one_that_failed_is_sent_no_more(refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", status=400)
    refuse(refund, REFUSALS)
    billing.well()
    send_refunds(now=now() + timedelta(days=30))
    assert (billing.calls["refund"], refunded(billing)) == (REFUSALS, [])
    check_books()


@pytest.mark.parametrize(
    "knob", [{"status": 401}, {"status": 429}, {"status": 500}, {"body": "<html>"}, {"down": True}]
)
def test_what_is_no_refusal_is_tried_on_and_on(knob: dict[str, Any], refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", **knob)
    refuse(refund, REFUSALS + 2)
    assert (refund.status, refund.refusals) == ("requested", 0)


def test_refusals_count_in_a_row(refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", status=404)
    refuse(refund, REFUSALS - 1)
    billing.knob("refund", status=502)
    refuse(refund, 1)
    billing.knob("refund", status=404)
    refuse(refund, REFUSALS - 1)
    assert refund.status == "requested"


def test_staff_can_send_money_back_again_whose_refund_failed(refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", status=400)
    refuse(refund, REFUSALS)
    billing.well()
    refund_attention(
        order_id=refund.of_attempt.order_session.order_id, reason="they mended it", actor="staff", now=now()
    )
    assert send_refunds(now=now()) == 1
    assert refunded(billing) == ["55.00"]
    check_books()


def test_why_it_could_not_be_made_is_said_in_billings_words(refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", status=503)
    refuse(refund, 1)
    assert refund.last_error == "HTTP 503"


def test_before_its_time_it_is_not_tried_again(refund: Refund, billing: BillingService) -> None:
    billing.knob("refund", down=True)
    at = now()
    send_refunds(now=at)
    send_refunds(now=at + timedelta(seconds=5))
    assert billing.calls["refund"] == 1


def test_a_sender_takes_one_at_a_time(refund: Refund) -> None:
    """So that it holds none while billing is slow about another, and loses one at most when it dies."""
    other = RefundFactory(attempt=refund.attempt, next_try_at=refund.next_try_at)
    at = now()
    takings = [claim(now=at, lease=at + LEASE) for _ in range(3)]
    assert {found.pk for found in takings if found} == {refund.pk, other.pk}
    assert takings[2] is None


def test_a_round_takes_nothing_up_after_its_time(refund: Refund, billing: BillingService) -> None:
    assert send_refunds(now=now(), seconds=-1) == 0
    assert billing.calls["refund"] == 0
    assert send_refunds(now=now()) == 1


def test_staff_find_the_order(refund: Refund) -> None:
    assert [order.status for order in Order.objects.needing_attention()] == ["expired"]
