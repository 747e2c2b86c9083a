"""Orders that are paid at Stripe: opened, asked about, cancelled before stock goes back, refunded."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings

from catalog.models import Product
from core import counts
from core.clock import now
from orders.models import Order, OrderSession, PaymentAttempt, Refund
from orders.providers import calls
from orders.providers import stripe as provider
from orders.providers.contract import AlreadyPaidError, BillingUnavailableError
from orders.providers.stripe_reports import in_units, report_of
from orders.services import (
    OrderNotCancellableError,
    cancel_order,
    expire_due,
    poll_billing,
    refund_attention,
    send_refunds,
)
from orders.services.closing import BILLING_GRACE
from orders.services.refunds import REFUSALS
from tests.factories import OrderSessionFactory, PaymentAttemptFactory
from tests.stripe_server import Stripe
from tests.world import Shopper, World, attempt_of, check_books, report, together, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, stripe: Stripe, shopper: Shopper) -> Order:
    return shopper.order(world)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call ends after half a second, not ten."""
    monkeypatch.setattr(calls, "LONGEST_SECONDS", 0.5)


def poll() -> dict[str, int]:
    """A round now; its errors."""
    PaymentAttempt.objects.watched().update(next_poll_at=now())
    return poll_billing(now=now()).errors


def states(order: Order) -> tuple[str, str]:
    return Order.objects.get(pk=order.pk).status, attempt_of(order).status


def opened(stripe: Stripe, amount: str, currency: str) -> dict[str, Any]:
    """A session of this amount."""
    said = provider.open_pay_session(
        reference="ORD-1",
        amount=Decimal(amount),
        currency=currency,
        description="Shop ORD-1",
        return_url="https://shop.test/orders/1",
        expires_at=now() + timedelta(minutes=15),
        key=f"{amount}-{currency}",
    )
    return stripe.sessions[said.checkout_id]


# Opening -------------------------------------------------------------------------------------------------------------


def test_a_session_is_opened_for_what_the_order_comes_to(order: Order, stripe: Stripe) -> None:
    attempt, session = attempt_of(order), stripe.only()
    assert (attempt.provider, attempt.billing_checkout_id) == ("stripe", session["id"])
    assert attempt.payment_url == session["url"]
    assert (session["amount_total"], session["currency"]) == (3300, "gbp")
    assert session["client_reference_id"] == session["metadata"]["footfall_order"] == order.number
    assert stripe.forms[0]["payment_intent_data[metadata][footfall_order]"] == order.number


@pytest.mark.parametrize("minutes", [1, 15, 300, 3 * 24 * 60])
def test_a_session_outlives_any_window_within_what_stripe_takes(
    minutes: int, world: World, stripe: Stripe, shopper: Shopper, settings: LazySettings
) -> None:
    settings.ORDER_SESSION_DURATION_MINUTES = minutes
    order = shopper.order(world)
    assert stripe.only()["expires_at"] >= min(order.session.expires_at, now() + timedelta(hours=23)).timestamp()


def test_an_opening_that_was_not_heard_is_found_again_by_its_key(
    world: World, stripe: Stripe, shopper: Shopper
) -> None:
    stripe.knob("open", down=True, acts=True)
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502
    stripe.well()
    order = Order.objects.get()
    assert shopper.retry(order).status_code == 200
    assert attempt_of(order).billing_checkout_id == stripe.only()["id"]


def test_a_failure_that_stripe_keeps_for_a_day_does_not_keep_the_order_from_being_paid(
    world: World, stripe: Stripe, shopper: Shopper
) -> None:
    stripe.knob("open", status=500)
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502
    stripe.well()
    assert shopper.retry(Order.objects.get()).status_code == 200


def test_a_window_that_was_moved_is_another_opening_not_an_abuse_of_the_key(
    world: World, stripe: Stripe, shopper: Shopper
) -> None:
    stripe.knob("open", down=True, acts=True)
    shopper.confirm(shopper.checkout((world.mug, 1)), world)
    stripe.well()
    order = Order.objects.get()
    OrderSession.objects.update(expires_at=now() + timedelta(hours=1))
    assert shopper.retry(order).status_code == 200


@pytest.mark.parametrize(
    ("knob", "kind"),
    [
        ({"down": True}, "network"),
        ({"status": 500}, "server_error"),
        ({"status": 429}, "server_error"),
        ({"status": 401}, "key_refused"),
        ({"body": "<html>"}, "not_as_agreed"),
        ({"body": []}, "not_as_agreed"),
        ({"body": {"error": []}, "status": 400}, "not_as_agreed"),
        ({"body": {"id": "cs_1", "client_reference_id": "x", "url": None}}, "not_as_agreed"),
        ({"body": {"id": "cs_1", "client_reference_id": "x", "url": "javascript:alert(1)"}}, "not_as_agreed"),
        ({"delay": 1}, "timeout"),
        ({"drip": 0.1}, "timeout"),
    ],
    ids=range(11),
)
def test_an_opening_that_is_not_answered_as_agreed_keeps_the_order(
    knob: dict[str, Any], kind: str, world: World, stripe: Stripe, shopper: Shopper, impatient: None
) -> None:
    stripe.knob("open", **knob)
    refused = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    assert (refused.status_code, refused.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    assert (Order.objects.get().status, PaymentAttempt.objects.count()) == ("pending", 0)
    assert list(counts.counts(calls.COUNTED, now=now()).values()) == [{kind: 1}]


def test_a_wrong_key_opens_nothing(world: World, stripe: Stripe, shopper: Shopper, settings: LazySettings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_other"
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502
    assert not stripe.sessions


def test_without_a_key_nothing_is_opened_and_nothing_breaks(
    world: World, stripe: Stripe, shopper: Shopper, settings: LazySettings
) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502
    assert Order.objects.get().status == "pending"


# Money ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("33.00", "GBP", 3300),
        ("500", "JPY", 500),
        ("65000", "VND", 65000),
        ("5", "ISK", 500),
        ("5000", "UGX", 500000),
        ("10.45", "HUF", 1045),
        ("5.120", "KWD", 5120),
        ("5.124", "KWD", 5120),
        ("5.126", "KWD", 5130),
    ],
)
def test_amounts_are_in_stripes_own_units(amount: str, currency: str, units: int, stripe: Stripe) -> None:
    session = opened(stripe, amount, currency)
    assert (session["amount_total"], session["currency"]) == (units, currency.lower())


@pytest.mark.parametrize(("amount", "currency"), [("500", "JPY"), ("5", "ISK"), ("5.124", "KWD"), ("33.00", "GBP")])
def test_what_was_asked_for_and_taken_is_reported_in_the_orders_money(
    amount: str, currency: str, stripe: Stripe
) -> None:
    session = opened(stripe, amount, currency)
    stripe.pay(session)
    said = report_of(session)
    assert (said.status, said.amount, said.currency) == ("success", Decimal(amount), currency)


def test_of_dinars_too_another_amount_is_another_amount(stripe: Stripe) -> None:
    session = opened(stripe, "5.124", "KWD")
    stripe.pay(session, amount_total=5110)
    assert report_of(session).amount == Decimal("5.110")


def test_an_amount_that_stripe_has_no_unit_for_is_not_charged(stripe: Stripe) -> None:
    with pytest.raises(BillingUnavailableError):
        opened(stripe, "1.234", "LYD")
    assert not stripe.sessions
    with pytest.raises(ValueError, match=r"1\.234 LYD"):
        in_units(Decimal("1.234"), "LYD")


# Asking --------------------------------------------------------------------------------------------------------------


def test_a_payment_is_found_by_the_poll_alone(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only())
    assert poll() == {}
    assert states(order) == ("success", "success")
    check_books()


def test_an_open_session_stays_open(order: Order, stripe: Stripe) -> None:
    assert poll() == {}
    assert states(order) == ("pending", "open")


def test_a_payment_that_takes_days_is_open_until_it_came(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only(), later=True)
    poll()
    assert states(order) == ("pending", "open")
    stripe.ends_later(stripe.only(), well=True)
    poll()
    assert states(order) == ("success", "success")


def test_a_payment_that_never_came_is_a_failure_and_another_may_be_tried(
    order: Order, stripe: Stripe, shopper: Shopper
) -> None:
    stripe.pay(stripe.only(), later=True)
    stripe.ends_later(stripe.only(), well=False)
    poll()
    assert states(order) == ("pending", "failure")
    assert shopper.retry(order).status_code == 200
    stripe.pay(stripe.sessions[attempt_of(order, 2).billing_checkout_id])
    poll()
    assert Order.objects.get().status == "success"
    check_books()


def test_a_session_whose_own_time_is_over_is_timed_out(order: Order, stripe: Stripe) -> None:
    stripe.expire(stripe.only())
    poll()
    assert states(order) == ("pending", "timeout")


@pytest.mark.parametrize("lie", [{"amount_total": 3299}, {"currency": "usd"}], ids=str)
def test_other_money_than_agreed_is_no_payment(lie: dict[str, Any], order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only(), **lie)
    poll()
    order.refresh_from_db()
    assert (order.status, bool(order.needs_attention)) == ("pending", True)
    check_books()


def test_money_that_is_no_payment_goes_back_in_the_currency_that_came(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only(), amount_total=5000, currency="jpy")
    stripe.payments["pi_1"]["amount"] = 5000
    poll()
    refund_attention(order_id=order.pk, reason="", actor="staff", now=now())
    assert send_refunds(now=now()) == 1
    assert stripe.refunds[0]["amount"] == 5000


@pytest.mark.parametrize(
    ("knob", "kind"),
    [
        ({"down": True}, "network"),
        ({"status": 500}, "server_error"),
        ({"status": 502, "body": "<html>"}, "server_error"),
        ({"status": 429}, "server_error"),
        ({"status": 401}, "key_refused"),
        ({"status": 302, "body": ""}, "not_as_agreed"),
        ({"body": "<html>"}, "not_as_agreed"),
        ({"body": []}, "not_as_agreed"),
        ({"status": 404, "body": "<html>"}, "not_as_agreed"),
        ({"body": {"id": "cs_test_1", "status": "won", "currency": "gbp", "amount_total": 1}}, "not_as_agreed"),
        ({"body": {"id": "cs_test_2", "status": "open", "currency": "gbp", "amount_total": 1}}, "not_as_agreed"),
        ({"body": {"id": "cs_test_1", "status": "open", "currency": "zzz", "amount_total": 1}}, "not_as_agreed"),
        ({"body": {"id": "cs_test_1", "status": "open", "currency": "gbp", "amount_total": -1}}, "not_as_agreed"),
        ({"delay": 1}, "timeout"),
        ({"drip": 0.1}, "timeout"),
    ],
    ids=range(15),
)
def test_an_answer_of_no_use_is_counted_by_its_kind_and_changes_nothing(
    knob: dict[str, Any], kind: str, order: Order, stripe: Stripe, impatient: None
) -> None:
    stripe.knob("get", **knob)
    assert poll() == {kind: 1}
    assert states(order) == ("pending", "open")
    assert attempt_of(order).last_error


def test_a_report_about_another_order_is_believed_in_nothing(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only(), client_reference_id="ORD-OTHER")
    assert poll() == {"contradicts": 1}
    assert states(order) == ("pending", "open")


def test_a_session_that_stripe_does_not_know_three_times_is_timed_out(order: Order, stripe: Stripe) -> None:
    stripe.sessions.clear()
    for _ in range(3):
        poll()
    assert states(order) == ("pending", "timeout")


def test_many_are_asked_at_once_and_no_more_than_a_hundred(stripe: Stripe) -> None:
    window, at = OrderSessionFactory(), now()
    for number in range(1, 131):
        name = opened(stripe, f"{number}.00", "GBP")["id"]
        PaymentAttemptFactory(
            order_session=window, number=number, status="timeout", resolved_at=at, next_poll_at=at, provider="stripe",
            billing_checkout_id=name,
        )  # fmt: skip
    stripe.most_at_once = 0
    stripe.knob("get", delay=0.3, acts=True)
    assert poll_billing(now=at).checked == 130
    assert 10 < stripe.most_at_once <= 100


# The end of the window -----------------------------------------------------------------------------------------------


def test_the_session_is_expired_before_its_stock_comes_back(order: Order, world: World, stripe: Stripe) -> None:
    before: list[int] = []
    stripe.watchers["expire"] = lambda: before.append(len(stripe.calls))
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 9
    stripe.knob("expire", status=500)
    expire_due(now=now() + timedelta(minutes=15))
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 9
    stripe.well()
    expire_due(now=now() + timedelta(minutes=15, seconds=10))
    assert len(before) == 2
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10
    assert (stripe.only()["status"], *states(order)) == ("expired", "expired", "timeout")
    check_books()


def test_money_that_came_at_the_last_moment_is_a_payment(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only())
    assert expire_due(now=now() + timedelta(minutes=15)).paid == 1
    assert states(order) == ("success", "success")
    check_books()


def test_while_stripe_cannot_be_reached_the_grace_applies(order: Order, world: World, stripe: Stripe) -> None:
    stripe.knob(down=True)
    end = now() + timedelta(minutes=15)
    assert expire_due(now=end).still_open == 1
    assert states(order) == ("pending", "open")
    expire_due(now=end + BILLING_GRACE)
    assert states(order) == ("expired", "timeout")
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10


def test_a_payment_under_way_gets_the_grace_and_its_money_counts_when_it_comes(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only(), later=True)
    end = now() + timedelta(minutes=15)
    assert expire_due(now=end).errors == {"under_way": 1}
    expire_due(now=end + BILLING_GRACE)
    assert states(order) == ("expired", "timeout")
    stripe.ends_later(stripe.only(), well=True)
    poll()
    assert states(order) == ("success", "success")
    check_books()


def test_a_session_that_ended_by_itself_needs_no_grace(order: Order, stripe: Stripe) -> None:
    stripe.expire(stripe.only())
    assert expire_due(now=now() + timedelta(minutes=15)).expired == 1


def test_who_cancels_cannot_pay_any_more(order: Order, stripe: Stripe) -> None:
    cancel_order(order_id=order.pk, actor="customer", now=now())
    assert (stripe.only()["status"], *states(order)) == ("expired", "cancelled", "timeout")
    check_books()


def test_who_paid_cannot_cancel(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only())
    with pytest.raises(OrderNotCancellableError):
        cancel_order(order_id=order.pk, actor="customer", now=now())
    assert states(order) == ("success", "success")


def test_a_session_that_was_opened_too_late_is_taken_back(stripe: Stripe) -> None:
    session = opened(stripe, "1.00", "GBP")
    provider.cancel_pay_session(session["id"])
    assert session["status"] == "expired"
    provider.cancel_pay_session(session["id"])


@pytest.mark.parametrize("later", [False, True])
def test_one_that_was_paid_is_not_taken_back(later: bool, stripe: Stripe) -> None:
    session = opened(stripe, "1.00", "GBP")
    stripe.pay(session, later=later)
    with pytest.raises(BillingUnavailableError if later else AlreadyPaidError):
        provider.cancel_pay_session(session["id"])


# Refunds -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def paid_too_late(order: Order, stripe: Stripe, world: World) -> Refund:
    """Money of an order that expired, whose pieces are sold: it goes back."""
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))
    stripe.pay(stripe.sessions[attempt_of(order).billing_checkout_id])
    report(attempt_of(order), "success")
    return Refund.objects.get()


def test_a_refund_goes_back_by_the_payment_of_the_session(paid_too_late: Refund, stripe: Stripe) -> None:
    assert send_refunds(now=now()) == 1
    (made,) = stripe.refunds
    assert (made["amount"], made["payment_intent"]) == (3300, "pi_1")
    assert made["metadata"] == {"footfall_refund": str(paid_too_late.pk)}
    check_books()


def test_a_refund_whose_answer_was_lost_is_made_once_even_after_stripe_forgot_the_key(
    paid_too_late: Refund, stripe: Stripe
) -> None:
    stripe.knob("refund", down=True, acts=True)
    assert send_refunds(now=now()) == 0
    stripe.well()
    stripe.answers.clear()  # a day later
    assert send_refunds(now=now() + timedelta(days=1)) == 1
    assert len(stripe.refunds) == 1


@pytest.mark.parametrize(
    ("kind", "knob"),
    [
        ("refund", {"status": 500}),
        ("refund", {"body": "<html>"}),
        ("refund", {"body": {"id": "re_1", "status": "failed"}}),
        ("refunds", {"down": True}),
        ("get", {"status": 503}),
        ("get", {"body": {"id": "cs_test_1", "payment_intent": None}}),
    ],
    ids=range(6),
)
def test_a_refund_that_is_not_confirmed_is_asked_for_again(
    kind: str, knob: dict[str, Any], paid_too_late: Refund, stripe: Stripe
) -> None:
    stripe.knob(kind, **knob)
    assert send_refunds(now=now()) == 0
    paid_too_late.refresh_from_db()
    assert (paid_too_late.status, bool(paid_too_late.last_error)) == ("requested", True)


@pytest.mark.parametrize(
    "knob",
    [
        {"status": 400, "body": {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}},
        {"body": {"id": "re_1", "status": "failed"}},
    ],
    ids=["already refunded", "failed"],
)
def test_a_refund_that_stripe_goes_on_refusing_fails(
    knob: dict[str, Any], paid_too_late: Refund, stripe: Stripe
) -> None:
    stripe.knob("refund", **knob)
    for day in range(REFUSALS):
        send_refunds(now=now() + timedelta(days=day))
    paid_too_late.refresh_from_db()
    assert paid_too_late.status == "failed"
    assert paid_too_late.of_attempt.order_session.order.needs_attention.startswith("a refund of ")


# Races ---------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_that_open_at_once_get_the_same_session(world: World, stripe: Stripe, shopper: Shopper) -> None:
    stripe.knob("open", down=True)
    shopper.confirm(shopper.checkout((world.mug, 1)), world)
    stripe.well()
    order = Order.objects.get()
    answers = together(2, lambda _place: shopper.retry(order).status_code)
    assert 200 in answers
    assert (len(stripe.sessions), PaymentAttempt.objects.count()) == (1, 1)
