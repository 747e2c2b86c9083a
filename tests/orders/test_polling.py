"""The poll: who is asked about, when again, and what its answers do."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings

from core.clock import now
from orders.models import Order, PaymentAttempt
from orders.providers import calls as seam
from orders.providers.contract import Report
from orders.services import expire_due, poll_billing, retry_payment
from orders.services.polling import LEASE, claim, learn
from tests.billing_server import BillingService
from tests.factories import PaymentAttemptFactory
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


def due() -> datetime:
    """A moment at which a fresh attempt is due, give or take jitter."""
    return now() + timedelta(seconds=6)


def poll(at: datetime | None = None) -> tuple[int, int, int]:
    result = poll_billing(now=at or due())
    return result.checked, result.changed, sum(result.errors.values())


def wait_of(attempt: PaymentAttempt, since: datetime) -> float:
    """Seconds until the attempt is asked about again."""
    found = PaymentAttempt.objects.get(pk=attempt.pk).next_poll_at
    assert found is not None
    return (found - since).total_seconds()


def taken(at: datetime, *, most: int = 100) -> list[PaymentAttempt]:
    """What a worker takes at that moment."""
    return claim(now=at, most=most, lease=at + LEASE)


def many(number: int) -> list[PaymentAttempt]:
    """Open attempts that billing does not know."""
    return [PaymentAttemptFactory(opened_at=now() - timedelta(minutes=1)) for _ in range(number)]


def test_an_attempt_is_asked_about_5_seconds_after_it_was_opened(order: Order, billing: BillingService) -> None:
    assert poll(now() + timedelta(seconds=4)) == (0, 0, 0)
    assert poll(now() + timedelta(seconds=5)) == (1, 0, 0)
    assert billing.calls["get"] == 1


def test_open_changes_nothing_and_is_asked_again_in_5_seconds(order: Order) -> None:
    at = due()
    assert poll(at) == (1, 0, 0)
    assert wait_of(attempt_of(order), at) == 5
    assert attempt_of(order).poll_count == 1


@pytest.mark.parametrize(
    ("status", "becomes"), [("success", "success"), ("failure", "pending"), ("timeout", "pending")]
)
def test_what_billing_knows_is_settled_by_the_next_poll(
    status: str, becomes: str, order: Order, billing: BillingService
) -> None:
    billing.settle(billing.only().checkout_id, status)
    assert poll() == (1, 1, 0)
    assert Order.objects.get().status == becomes
    assert (attempt_of(order).status, attempt_of(order).next_poll_at) == (status, None)
    check_books()


def test_a_settled_attempt_is_asked_about_no_more(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    poll()
    assert poll(now() + timedelta(hours=1)) == (0, 0, 0)


def test_another_amount_than_agreed_is_not_taken_for_payment(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success", amount="0.01")
    poll()
    order.refresh_from_db()
    assert (order.status, order.needs_attention) == ("pending", "billing took 0.01 GBP instead of 33.00 GBP")


@pytest.mark.parametrize(
    "knob",
    [
        {"down": True},
        {"status": 500},
        {"status": 429},
        {"body": "<html>"},
        {"body": []},
        {"body": {"status": "won", "amount": "1", "currency": "GBP"}},
        {"body": {"status": "success", "amount": "sNaN", "currency": "GBP"}},
        {"body": {"status": "success", "amount": None, "currency": "GBP"}},
        {"body": {"status": "success", "amount": "33.00", "currency": "G\0P"}},
        {"body": "[" * 100_000},
    ],
    ids=range(10),
)
def test_no_answer_or_a_wrong_one_changes_nothing_and_is_counted(
    knob: dict[str, object], order: Order, billing: BillingService
) -> None:
    billing.knob("get", **knob)
    at = due()
    assert poll(at) == (1, 0, 1)
    attempt = attempt_of(order)
    assert (attempt.status, attempt.error_count, Order.objects.get().status) == ("open", 1, "pending")
    assert attempt.last_error
    assert 4 <= wait_of(attempt, at) <= 6


def test_errors_in_a_row_double_the_pause_up_to_5_minutes(order: Order, billing: BillingService) -> None:
    billing.knob("get", status=500)
    pauses = []
    at = due()
    for _ in range(9):
        assert poll(at) == (1, 0, 1)
        pauses.append(wait_of(attempt_of(order), at))
        at += timedelta(seconds=pauses[-1] + 0.001)
    expected = [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert all(0.8 * e <= pause <= 1.2 * e for e, pause in zip(expected, pauses, strict=True)), pauses


def test_an_answer_ends_the_row_of_errors(order: Order, billing: BillingService) -> None:
    billing.knob("get", status=500)
    poll()
    billing.well()
    at = now() + timedelta(minutes=10)
    poll(at)
    attempt = attempt_of(order)
    assert (attempt.error_count, attempt.last_error, wait_of(attempt, at)) == (0, "", 5)


def test_money_is_found_once_billing_is_back(order: Order, billing: BillingService) -> None:
    billing.knob("get", down=True)
    poll()
    billing.settle(billing.only().checkout_id, "success")
    billing.well()
    assert poll(now() + timedelta(seconds=30)) == (1, 1, 0)
    assert Order.objects.get().status == "success"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_changes_nothing_and_is_asked_once_a_minute(
    status: int, order: Order, billing: BillingService
) -> None:
    billing.knob("get", status=status)
    at = due()
    for _ in range(4):
        assert poll(at) == (1, 0, 1)
        assert wait_of(attempt_of(order), at) == 60
        at += timedelta(minutes=1)
    assert (attempt_of(order).status, Order.objects.get().status) == ("open", "pending")


def test_a_refused_key_is_said_loudly_once_a_minute_however_many_are_asked(
    billing: BillingService, caplog: pytest.LogCaptureFixture
) -> None:
    many(5)
    billing.knob("get", status=401)
    with caplog.at_level(logging.ERROR):
        poll()
        PaymentAttempt.objects.update(next_poll_at=now())
        poll()
    assert [record.getMessage() for record in caplog.records] == ["billing refuses our key: 5 payments cannot settle"]


def test_three_404_in_a_row_are_a_timeout(order: Order, billing: BillingService) -> None:
    billing.sessions.clear()
    at = due()
    for expected in ("open", "open", "timeout"):
        poll(at)
        assert attempt_of(order).status == expected
        at += timedelta(seconds=5)
    assert Order.objects.get().status == "pending"


def test_an_answer_between_404s_begins_the_row_anew(order: Order, billing: BillingService) -> None:
    known = dict(billing.sessions)
    at = due()
    for sessions in ({}, {}, known, {}, {}):
        billing.sessions = dict(sessions)
        poll(at)
        at += timedelta(seconds=5)
    assert attempt_of(order).status == "open"


def test_one_bad_answer_does_not_spoil_the_others(world: World, billing: BillingService) -> None:
    orders = [Shopper().order(world) for _ in range(3)]
    for session in billing.sessions.values():
        billing.settle(session.checkout_id, "success")
    billing.sessions[attempt_of(orders[1]).billing_checkout_id].amount = "sNaN"
    assert poll() == (3, 2, 1)
    assert [Order.objects.get(pk=order.pk).status for order in orders] == ["success", "pending", "success"]
    check_books()


def test_all_are_asked_at_once(billing: BillingService) -> None:
    many(30)
    billing.knob("get", delay=0.2)
    began = time.monotonic()
    assert poll()[0] == 30
    assert time.monotonic() - began < 3
    assert billing.most_at_once > 10


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call ends after half a second, not ten."""
    monkeypatch.setattr(seam, "LONGEST_SECONDS", 0.5)


@pytest.mark.parametrize("knob", [{"delay": 1.5}, {"drip": 0.1}])
def test_a_call_ends_in_time_though_billing_sends_a_byte_now_and_then(
    knob: dict[str, float], order: Order, billing: BillingService, impatient: None
) -> None:
    billing.knob("get", **knob)
    began = time.monotonic()
    assert poll() == (1, 0, 1)
    assert time.monotonic() - began < 1.4


def test_what_one_worker_asks_about_no_other_does(order: Order) -> None:
    at = due()
    assert [attempt.pk for attempt in taken(at)] == [attempt_of(order).pk]
    assert taken(at) == []


def test_what_a_dead_worker_took_comes_back_within_two_minutes(order: Order) -> None:
    at = due()
    taken(at)
    assert timedelta(minutes=2) > LEASE
    assert len(taken(at + LEASE)) == 1


def test_a_webhook_in_mid_poll_is_not_undone_by_an_older_answer(order: Order) -> None:
    at = due()
    (held,) = taken(at)
    report(held, "success")
    from_before = Report("open", held.amount, held.currency)
    assert learn(held, from_before, actor="test", now=at) is False
    assert (attempt_of(order).status, attempt_of(order).next_poll_at) == ("success", None)


def test_an_expired_attempt_that_billing_was_silent_about_is_watched_for_24_hours(
    order: Order, billing: BillingService
) -> None:
    billing.knob("cancel", "get", down=True)
    window_ends(order, ago=timedelta(minutes=3))
    closed = now()
    assert expire_due(now=closed).expired == 1
    billing.well()
    assert poll(closed + timedelta(minutes=2)) == (1, 0, 0)
    assert wait_of(attempt_of(order), closed + timedelta(minutes=2)) == 60
    assert poll(closed + timedelta(hours=23, minutes=59)) == (1, 0, 0)
    assert poll(closed + timedelta(hours=24, minutes=1)) == (1, 0, 0)
    assert attempt_of(order).next_poll_at is None


def test_late_money_is_found_by_the_watch(order: Order, billing: BillingService) -> None:
    billing.knob("cancel", "get", down=True)
    window_ends(order, ago=timedelta(minutes=3))
    expire_due(now=now())
    billing.well()
    billing.settle(billing.only().checkout_id, "success")
    assert poll(now() + timedelta(hours=20)) == (1, 1, 0)
    order.refresh_from_db()
    assert (order.status, order.history.last().reason) == ("success", "paid_late")  # type: ignore[union-attr] # has one
    check_books()


def test_a_watched_attempt_is_let_go_though_another_one_paid_late(order: Order, billing: BillingService) -> None:
    report(attempt_of(order), "failure")
    retry_payment(order_id=order.id, now=now())
    billing.knob("cancel", "get", down=True)
    window_ends(order, ago=timedelta(minutes=3))
    closed = now()
    expire_due(now=closed)
    report(attempt_of(order, 1), "success")
    billing.well()
    poll(closed + timedelta(minutes=2))
    assert wait_of(attempt_of(order, 2), closed + timedelta(minutes=2)) == 60
    poll(closed + timedelta(hours=25))
    assert attempt_of(order, 2).next_poll_at is None


@pytest.mark.parametrize("missing", ["BILLING_API_KEY", "BILLING_URL"])
def test_without_key_or_address_the_job_skips(
    missing: str, order: Order, billing: BillingService, settings: LazySettings
) -> None:
    setattr(settings, missing, "")
    assert poll_billing(now=due()).errors == {"not_configured": 1}
    assert billing.calls["get"] == 0
