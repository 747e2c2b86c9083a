"""Another attempt to pay: while the window is open, while attempts are left, one at a time."""

from datetime import timedelta
from typing import Any

import pytest

from core.clock import now
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt
from orders.providers import calls as seam
from orders.services import SessionExpiredError, SessionNotActiveError, start_payment
from tests.billing_server import BillingService
from tests.database import force_status
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


@pytest.fixture
def declined(order: Order) -> Order:
    """Its first attempt failed."""
    report(attempt_of(order), "failure")
    return order


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_retry_opens_the_next_attempt(declined: Order, shopper: Shopper, billing: BillingService) -> None:
    answer = shopper.retry(declined)
    second = attempt_of(declined, 2)
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "paymentAttempts": 2,
        "maxPaymentAttempts": 3,
        "remainingAttempts": 1,
        "paymentUrl": second.payment_url,
    }
    assert answer.json()["message"]
    assert (second.status, second.amount, len(billing.sessions)) == ("open", declined.total, 2)


def test_a_retry_does_not_prolong_the_window(declined: Order, shopper: Shopper) -> None:
    before = OrderSession.objects.get().expires_at
    shopper.retry(declined)
    assert OrderSession.objects.get().expires_at == before


def test_a_retry_is_told_to_other_services(declined: Order, shopper: Shopper) -> None:
    shopper.retry(declined)
    event = OutboxEvent.objects.get(topic="payment.retry")
    assert (event.payload["orderId"], event.payload["attempt"]) == (str(declined.id), 2)


def test_while_an_attempt_is_open_it_is_shown_instead(order: Order, shopper: Shopper) -> None:
    answer = shopper.retry(order)
    assert refusal(answer) == (409, "PAYMENT_IN_PROGRESS")
    assert answer.json()["details"] == {"paymentUrl": attempt_of(order).payment_url}
    assert PaymentAttempt.objects.count() == 1


def test_one_second_late_the_order_expires_on_the_spot(declined: Order, shopper: Shopper) -> None:
    window_ends(declined)
    assert refusal(shopper.retry(declined)) == (409, "SESSION_EXPIRED")
    declined.refresh_from_db()
    assert (declined.status, OrderSession.objects.get().status) == ("expired", "expired")
    check_books()


def test_a_second_before_the_end_it_still_works(declined: Order, shopper: Shopper) -> None:
    OrderSession.objects.update(expires_at=now() + timedelta(seconds=1))
    assert shopper.retry(declined).status_code == 200


def test_late_with_an_open_attempt_that_was_paid_the_order_is_a_success(
    order: Order, shopper: Shopper, billing: BillingService
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    window_ends(order)
    assert refusal(shopper.retry(order)) == (409, "SESSION_EXPIRED")
    assert Order.objects.get().status == "success"


def test_late_while_billing_is_away_the_order_waits(order: Order, shopper: Shopper, billing: BillingService) -> None:
    billing.knob(down=True)
    window_ends(order)
    assert refusal(shopper.retry(order)) == (409, "SESSION_EXPIRED")
    assert Order.objects.get().status == "pending"


def test_an_expired_order_stays_expired(declined: Order, shopper: Shopper) -> None:
    window_ends(declined)
    shopper.retry(declined)
    assert refusal(shopper.retry(declined)) == (409, "SESSION_EXPIRED")


def test_a_paid_order_cannot_be_paid_again(order: Order, shopper: Shopper, billing: BillingService) -> None:
    report(attempt_of(order), "success")
    assert refusal(shopper.retry(order)) == (409, "SESSION_NOT_ACTIVE")
    assert billing.calls["open"] == 1


def test_an_order_cancelled_with_its_last_attempt_open_was_cancelled_and_not_used_up(
    order: Order, shopper: Shopper
) -> None:
    OrderSession.objects.update(max_payment_attempts=1)
    shopper.post(f"/orders/{order.id}/cancel")
    assert refusal(shopper.retry(order)) == (409, "SESSION_NOT_ACTIVE")


def test_a_cancelled_order_cannot_be_paid(order: Order, shopper: Shopper) -> None:
    shopper.post(f"/orders/{order.id}/cancel")
    assert refusal(shopper.retry(order)) == (409, "SESSION_NOT_ACTIVE")


def test_after_three_declined_attempts_it_is_over(order: Order, shopper: Shopper, billing: BillingService) -> None:
    for number in (1, 2, 3):
        report(attempt_of(order, number), "failure")
        answer = shopper.retry(order)
        assert answer.status_code == (200 if number < 3 else 409)
    assert refusal(answer)[1] == "MAX_ATTEMPTS_REACHED"
    assert (Order.objects.get().status, billing.calls["open"]) == ("failed", 3)
    check_books()


def test_without_attempts_left_a_pending_order_says_so(declined: Order, shopper: Shopper) -> None:
    OrderSession.objects.update(max_payment_attempts=1)
    assert refusal(shopper.retry(declined)) == (409, "MAX_ATTEMPTS_REACHED")


@pytest.mark.parametrize("knob", [{"down": True}, {"status": 500}, {"body": "<html>"}])
def test_a_retry_that_billing_fails_burns_no_attempt(
    knob: dict[str, Any], declined: Order, shopper: Shopper, billing: BillingService
) -> None:
    billing.knob("open", **knob)
    for _ in range(4):
        assert refusal(shopper.retry(declined)) == (502, "BILLING_UNAVAILABLE")
    billing.well()
    assert shopper.retry(declined).json()["data"]["paymentAttempts"] == 2


def test_an_order_closed_while_billing_is_asked_gets_no_attempt(
    declined: Order, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order as the request read it was pending; meanwhile it was cancelled."""
    stale = Order.objects.select_related("session").get(pk=declined.pk)
    force_status("cancelled")
    with pytest.raises(Exception, match="can no longer be paid"):
        start_payment(order=stale, now=now())
    assert PaymentAttempt.objects.count() == 1
    assert [session.status for session in billing.sessions.values()] == ["open", "timeout"]


def test_a_window_that_ends_while_billing_is_asked_gets_no_attempt(declined: Order, billing: BillingService) -> None:
    """Nobody is sent to a page where nothing can be paid any more."""
    OrderSession.objects.update(expires_at=now() + timedelta(seconds=0.3))
    billing.knob("open", delay=0.6)
    order = Order.objects.select_related("session").get(pk=declined.pk)
    with pytest.raises(SessionExpiredError):
        start_payment(order=order, now=now())
    assert (PaymentAttempt.objects.count(), OrderSession.objects.get().payment_attempts) == (1, 1)
    assert [session.status for session in billing.sessions.values()] == ["open", "timeout"]


def test_taking_back_what_was_opened_too_late_is_not_waited_for(
    declined: Order, billing: BillingService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seam, "WITHDRAW_SECONDS", 0.2)
    billing.knob("cancel", delay=0.6)
    stale = Order.objects.select_related("session").get(pk=declined.pk)
    force_status("cancelled")
    with pytest.raises(SessionNotActiveError):
        start_payment(order=stale, now=now())
    assert "was opened too late and could not be cancelled" in caplog.text


def test_a_retry_after_another_was_faster_gets_its_attempt(declined: Order, billing: BillingService) -> None:
    stale = Order.objects.select_related("session").get(pk=declined.pk)
    fresh = Order.objects.select_related("session").get(pk=declined.pk)
    first = start_payment(order=fresh, now=now())
    second = start_payment(order=stale, now=now())
    assert first == second
    assert (PaymentAttempt.objects.count(), len(billing.sessions)) == (2, 2)
    assert OrderSession.objects.get().payment_attempts == 2
