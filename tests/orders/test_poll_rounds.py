"""A round of the poll: its share, its time, and what it says of itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import pytest
from django.db import connection

from core.clock import now
from orders.models import Order, PaymentAttempt
from orders.providers import calls as seam
from orders.services import poll_billing
from orders.services.polling import LEASE
from tests.billing_server import BillingService
from tests.factories import OrderSessionFactory, PaymentAttemptFactory
from tests.world import Shopper, World, attempt_of, check_books

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call ends after half a second, not ten."""
    monkeypatch.setattr(seam, "LONGEST_SECONDS", 0.5)


def due() -> datetime:
    """A moment at which a fresh attempt is due, give or take jitter."""
    return now() + timedelta(seconds=6)


def test_the_longest_waiting_are_asked_first_and_a_round_has_its_share(billing: BillingService) -> None:
    at = now()
    first, second, third = (due_since(at, seconds) for seconds in (3, 2, 1))
    assert poll_billing(now=at, most=2).checked == 2
    assert not PaymentAttempt.objects.filter(pk__in=[first.pk, second.pk], next_poll_at__lte=at).exists()
    assert PaymentAttempt.objects.get(pk=third.pk).poll_count == 0


def due_since(at: datetime, seconds: int) -> PaymentAttempt:
    """An attempt that nobody has asked about for so long."""
    return PaymentAttemptFactory(next_poll_at=at - timedelta(seconds=seconds))


def test_a_round_takes_nothing_more_up_once_its_time_is_over(billing: BillingService) -> None:
    PaymentAttemptFactory.create_batch(3, opened_at=now() - timedelta(minutes=1))
    assert poll_billing(now=now(), seconds=-1).checked == 0
    assert poll_billing(now=now()).checked == 3


def test_more_than_are_asked_at_once_are_all_asked_in_one_round(billing: BillingService) -> None:
    window = OrderSessionFactory()
    at = now()
    PaymentAttempt.objects.bulk_create(
        PaymentAttempt(
            order_session=window,
            number=number,
            status="timeout",
            billing_checkout_id=f"pay_{number}",
            amount=1,
            currency="GBP",
            next_poll_at=at,
            opened_at=at,
            resolved_at=at,
        )
        for number in range(1, 231)
    )
    assert poll_billing(now=at).checked == 230
    assert billing.calls["get"] == 230
    assert billing.most_at_once <= 100


def test_the_summary_says_what_is_open_what_changed_and_what_failed_how(world: World, billing: BillingService) -> None:
    orders = [Shopper().order(world, (world.tea, 1)) for _ in range(4)]
    ids = [attempt_of(order).billing_checkout_id for order in orders]
    billing.settle(ids[0], "success")
    billing.settle(ids[1], "timeout")
    billing.sessions[ids[2]].amount = "sNaN"
    assert asdict(poll_billing(now=due())) == {
        "checked": 4,
        "still_open": 1,
        "changed": 2,
        "errors": {"not_as_agreed": 1},
    }


@pytest.mark.parametrize(
    ("knob", "kind"),
    [
        ({"down": True}, "network"),
        ({"status": 500}, "server_error"),
        ({"status": 503}, "server_error"),
        ({"status": 302}, "not_as_agreed"),
        ({"status": 204, "body": ""}, "not_as_agreed"),
        ({"body": "<html>"}, "not_as_agreed"),
        ({"status": 401}, "key_refused"),
        ({"delay": 1.5}, "timeout"),
    ],
    ids=range(8),
)
def test_errors_are_counted_by_kind(
    knob: dict[str, object], kind: str, order: Order, billing: BillingService, impatient: None
) -> None:
    billing.knob("get", **knob)
    assert poll_billing(now=due()).errors == {kind: 1}


def test_an_attempt_that_cannot_be_settled_is_counted_and_asked_about_again(
    order: Order, billing: BillingService
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    at = due()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE orders_order ADD CONSTRAINT no_money CHECK (status <> 'success')")
        assert poll_billing(now=at).errors == {"database": 1}
        cursor.execute("ALTER TABLE orders_order DROP CONSTRAINT no_money")
    assert Order.objects.get().status == "pending"
    assert poll_billing(now=at + LEASE + timedelta(seconds=5)).changed == 1
    check_books()


def test_an_answer_about_another_order_is_an_error_and_changes_nothing(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    billing.only().order_id = "bill_of_somebody_else"
    assert poll_billing(now=due()).errors == {"contradicts": 1}
    attempt = attempt_of(order)
    assert (attempt.status, attempt.error_count) == ("open", 1)
    assert "bill_of_somebody_else" in attempt.last_error
