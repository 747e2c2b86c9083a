"""More time to pay, the fitting mail again, asking billing about one order, and comments."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail as django_mail
from django.db import IntegrityError, transaction

from core import mail
from core.clock import now
from core.models import Mail
from orders import letters
from orders.models import Order, OrderComment, OrderSession, PaymentAttempt
from orders.services import (
    CommentMissingError,
    NoMailError,
    WindowNotOpenError,
    WindowTooLongError,
    cancel_order,
    comment,
    expire_due,
    expire_order,
    extend_window,
    fulfil,
    poll_order,
    resend_mail,
    retry_payment,
    send_payment_reminders,
)
from tests.billing_server import BillingService
from tests.database import force_status
from tests.world import Shopper, World, attempt_of, check_books, report, together, window_ends

pytestmark = pytest.mark.django_db
STAFF = "staff@example.com"


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """Pending, its first attempt open."""
    return shopper.order(world)


def extend(order: Order, minutes: int, at: datetime | None = None) -> Order:
    return extend_window(order_id=order.pk, minutes=minutes, reason="asked for", actor=STAFF, now=at or now())


def end_of(order: Order) -> datetime:
    return OrderSession.objects.get(order=order).expires_at


def resend(order: Order) -> Order:
    return resend_mail(order_id=order.pk, actor=STAFF, now=now())


def sent() -> list[str]:
    """Subjects of what goes out now."""
    before = len(django_mail.outbox)
    mail.send_due(now=now())
    return [str(message.subject) for message in django_mail.outbox[before:]]


# More time to pay -----------------------------------------------------------------------------------------------------


def test_a_window_ends_so_many_minutes_later(order: Order) -> None:
    before = end_of(order)
    extend(order, 30)
    assert end_of(order) == before + timedelta(minutes=30)
    change = order.history.get(field="expires_at")
    assert (change.actor, change.reason) == (STAFF, "asked for")
    assert [datetime.fromisoformat(end) for end in (change.old, change.new)] == [
        before.replace(microsecond=0),
        end_of(order).replace(microsecond=0),
    ]


def test_until_then_it_can_be_paid_and_is_not_expired(order: Order) -> None:
    old = end_of(order)
    extend(order, 30)
    report(attempt_of(order), "failure")
    assert expire_due(now=old + timedelta(minutes=29)).expired == 0
    retry_payment(order_id=order.pk, now=old + timedelta(minutes=29))
    assert expire_due(now=old + timedelta(minutes=33)).expired == 1
    check_books()


def test_the_reminder_comes_when_a_third_of_the_longer_window_is_left(order: Order) -> None:
    extend(order, 15)
    assert send_payment_reminders(now=end_of(order) - timedelta(minutes=11)) == 0
    assert send_payment_reminders(now=end_of(order) - timedelta(minutes=9)) == 1


def test_a_window_that_has_ended_does_not_begin_again(order: Order) -> None:
    with pytest.raises(WindowNotOpenError):
        extend(order, 5, at=end_of(order))
    extend(order, 5, at=end_of(order) - timedelta(seconds=1))


def test_an_order_that_is_settled_needs_no_time(order: Order) -> None:
    report(attempt_of(order), "success")
    with pytest.raises(WindowNotOpenError):
        extend(order, 5)


@pytest.mark.parametrize("minutes", [-5, 0, 1440, 10**9])
def test_nobody_holds_stock_for_more_than_a_day_from_now(minutes: int, order: Order) -> None:
    before = end_of(order)
    with pytest.raises(WindowTooLongError):
        extend(order, minutes)
    assert end_of(order) == before


def test_neither_in_many_small_steps(order: Order) -> None:
    extend(order, 1400)
    with pytest.raises(WindowTooLongError):
        extend(order, 60)


def test_an_open_pay_session_keeps_its_own_end_and_the_next_has_the_new_one(
    order: Order, billing: BillingService
) -> None:
    told = billing.only().expires_at
    extend(order, 30)
    assert billing.only().expires_at == told
    report(attempt_of(order), "timeout")
    retry_payment(order_id=order.pk, now=now())
    (newest,) = [session for session in billing.sessions.values() if session.expires_at != told]
    assert datetime.fromisoformat(newest.expires_at) == end_of(order)


def at_the_end(order: Order, close: Callable[[datetime], Any]) -> str:
    """Somebody gives more time in the last second, and is not done when the window ends; the order's status then."""
    window_ends(order, ago=timedelta(minutes=5))
    end = end_of(order)
    given, waited = threading.Event(), threading.Event()

    def work(place: int) -> None:
        if place:
            given.wait(10)
            threading.Timer(1, waited.set).start()
            close(end + timedelta(minutes=3))
            return
        with transaction.atomic():
            extend(order, 60, at=end - timedelta(seconds=1))
            given.set()
            waited.wait(10)

    for result in together(2, work):
        assert result is None, result
    return Order.objects.get(pk=order.pk).status


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_expiry_that_waited_for_an_extension_sees_it(order: Order) -> None:
    report(attempt_of(order), "timeout")
    assert at_the_end(order, lambda at: expire_order(order_id=order.pk, now=at)) == "pending"
    assert at_the_end(order, lambda at: expire_due(now=at)) == "pending"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_control_expiry_that_believes_what_it_read_before_closes_it(order: Order) -> None:
    def unseeing(at: datetime) -> None:
        read = end_of(order)
        OrderSession.objects.filter(order=order).update(expires_at=read)  # waits, and puts back what it has read
        expire_order(order_id=order.pk, now=at)

    report(attempt_of(order), "timeout")
    assert at_the_end(order, unseeing) == "expired"


# The mail again -------------------------------------------------------------------------------------------------------


def test_who_can_pay_still_is_told_again_where(order: Order) -> None:
    assert len(sent()) == 1
    resend(order)
    assert sent() == [f"Your order {order.number} at {settings.SHOP_NAME}"]
    change = order.history.get(field="mail")
    assert (change.new, change.actor) == (letters.RECEIVED, STAFF)


@pytest.mark.parametrize(("status", "kind"), [("success", letters.PAID), ("failure", "")])
def test_the_mail_fits_what_became_of_the_order(status: str, kind: str, order: Order) -> None:
    report(attempt_of(order), status)
    Mail.objects.all().delete()
    resend(order)
    assert Mail.objects.get().kind == (kind or letters.RECEIVED)


@pytest.mark.parametrize(("status", "kind"), [("expired", letters.EXPIRED), ("failed", letters.FAILED)])
def test_a_closed_order_is_told_again_why(status: str, kind: str, order: Order) -> None:
    Mail.objects.all().delete()
    force_status(status)
    resend(order)
    assert (Mail.objects.get().kind, len(sent())) == (kind, 1)


def test_what_is_on_its_way_is_told_again_each_time(order: Order) -> None:
    report(attempt_of(order), "success")
    for status in ("processing", "shipped"):
        fulfil(order_id=order.pk, status=status, actor=STAFF, now=now())
    Mail.objects.all().delete()
    for _time in range(2):
        resend(order)
    assert sent() == [f"Your order {order.number} is on its way"] * 2


def test_for_a_cancelled_order_there_is_none(order: Order) -> None:
    cancel_order(order_id=order.pk, actor=STAFF, now=now())
    with pytest.raises(NoMailError):
        resend(order)


def test_nobody_is_asked_to_pay_after_the_window(order: Order) -> None:
    window_ends(order)
    with pytest.raises(NoMailError):
        resend(order)


def test_whoever_was_erased_gets_none(order: Order) -> None:
    Order.objects.update(email="")
    with pytest.raises(NoMailError):
        resend(order)


# Asking billing now ---------------------------------------------------------------------------------------------------


def test_billing_is_asked_about_one_order_before_it_is_due(order: Order, world: World, billing: BillingService) -> None:
    Shopper().order(world)
    billing.settle(attempt_of(order).billing_checkout_id, "success")
    PaymentAttempt.objects.update(next_poll_at=now() + timedelta(minutes=5))
    result = poll_order(order_id=order.pk, actor=STAFF, now=now())
    assert (result.checked, result.changed, billing.calls["get"]) == (1, 1, 1)
    order.refresh_from_db()
    assert order.status == "success"
    assert [change.actor for change in order.history.filter(field__in=("status", "billing"))][1:] == [STAFF] * 2
    check_books()


def test_about_what_is_settled_billing_is_not_asked(order: Order, billing: BillingService) -> None:
    report(attempt_of(order), "success")
    assert poll_order(order_id=order.pk, actor=STAFF, now=now()).checked == 0
    assert billing.calls["get"] == 0


def test_silence_is_an_error_and_changes_nothing(order: Order, billing: BillingService) -> None:
    billing.knob("get", down=True)
    result = poll_order(order_id=order.pk, actor=STAFF, now=now())
    assert (result.checked, result.errors) == (1, {"network": 1})
    assert attempt_of(order).status == "open"


# Comments -------------------------------------------------------------------------------------------------------------


def test_a_comment_is_kept_with_who_and_when(order: Order) -> None:
    at = now()
    written = comment(order_id=order.pk, text="  She <b>called</b>. ", actor=STAFF, now=at)
    assert (written.text, written.actor, written.created_at) == ("She <b>called</b>.", STAFF, at)


@pytest.mark.parametrize("text", ["", "  \n ", "\x00", "x" * 2001])
def test_a_comment_says_something_and_no_book(text: str, order: Order) -> None:
    with pytest.raises(CommentMissingError):
        comment(order_id=order.pk, text=text, actor=STAFF, now=now())


def test_the_database_keeps_no_empty_comment(order: Order) -> None:
    with pytest.raises(IntegrityError):
        OrderComment.objects.create(order=order, text="", actor=STAFF)
