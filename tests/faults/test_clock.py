"""A machine's clock is wrong by an hour: nothing ends too early, nothing too late, nothing is charged twice.

PostgreSQL's clock decides, and each process knows it. Beside each test stands the same with the machine's own believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.test import Client

from core import clock
from core.clock import now
from core.models import Mail
from orders.models import Order, OrderSession, PaymentAttempt
from orders.services import expire_due
from orders.tasks import expire_orders, poll_billing
from sessions_app import personal, services
from sessions_app.events import Event, Source
from sessions_app.models import SessionEvent
from tests.billing_server import BillingService
from tests.core.limited import limit
from tests.customers.member import Member, mails, member, token_in
from tests.faults.clocks import HOUR, machine_wrong_by
from tests.promises.slots import visit
from tests.world import API, Shopper, World, attempt_of, check_books, report, signed, webhook_body, window_ends

pytestmark = pytest.mark.django_db(transaction=True)
AHEAD_AND_BEHIND = [pytest.param(HOUR, id="ahead"), pytest.param(-HOUR, id="behind")]
SOON = timedelta(minutes=1)
SECRET = settings.BILLING_WEBHOOK_SECRETS[0]


def look() -> None:
    """Whoever takes a connection asks PostgreSQL what time it is."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.fixture
def shared() -> None:
    """Processes go by PostgreSQL's clock, as outside of tests."""
    clock.shared.every = 0
    look()


Scenario = Callable[[timedelta, World, BillingService], None]


def an_order_has_its_window(by: timedelta, world: World, billing: BillingService) -> None:
    """Placed by a wrong machine, looked at by others."""
    with machine_wrong_by(by):
        order = Shopper().order(world)
    expire_due(now=now())
    window = OrderSession.objects.get(order=order)
    assert window.status == "active"
    assert abs(window.expires_at - now() - timedelta(minutes=window.duration_minutes)) < SOON


def a_shopper_may_pay_in_the_window_and_not_after_it(by: timedelta, world: World, billing: BillingService) -> None:
    """Asked at a wrong machine."""
    shopper = Shopper()
    order, over = shopper.order(world), shopper.order(world, (world.tea, 1))
    for declined in (order, over):
        report(attempt_of(declined), "failure")
    window_ends(over)
    with machine_wrong_by(by):
        assert shopper.retry(order).status_code == 200
        assert shopper.retry(over).status_code == 409


def a_visit_goes_on(by: timedelta, world: World, billing: BillingService) -> None:
    """Of its requests one is answered by a wrong machine."""
    shopper = Shopper()
    first = shopper.visit()["sessionId"]
    with machine_wrong_by(by):
        second = shopper.visit()["sessionId"]
    assert [second, shopper.visit()["sessionId"]] == [first] * 2


def a_webhook_is_taken(by: timedelta, world: World, billing: BillingService) -> None:
    """It is neither too old nor too new for a wrong machine."""
    order = Shopper().order(world)
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only()))
    headers = signed(body, secret=SECRET)
    with machine_wrong_by(by):
        answer = Client().post(f"{API}/billing/webhook", body, content_type="application/json", headers=headers)
    assert answer.status_code == 200
    assert Order.objects.get(pk=order.pk).status == "success"


def a_link_holds_for_its_hour(by: timedelta, world: World, billing: BillingService) -> None:
    """It is mailed by a wrong machine, and shown to another."""
    someone = member()
    someone.ask_for_reset()
    with machine_wrong_by(by):
        sent = mails()
    assert Mail.objects.get().status == "sent"
    assert someone.reset(token_in(sent[0])).status_code == 200


def expiry_closes_what_is_over_and_nothing_else(by: timedelta, world: World, billing: BillingService) -> None:
    """Done by a wrong worker."""
    order, over = Shopper().order(world), Shopper().order(world, (world.tea, 1))
    window_ends(over)
    with machine_wrong_by(by):
        expire_orders()
    assert [Order.objects.get(pk=each.pk).status for each in (order, over)] == ["pending", "expired"]


def billing_is_asked_in_time_and_soon_again(by: timedelta, world: World, billing: BillingService) -> None:
    """By a wrong worker, while the shopper pays."""
    attempt = attempt_of(Shopper().order(world))
    PaymentAttempt.objects.update(next_poll_at=now() - timedelta(seconds=1))  # clocks agree by as much
    with machine_wrong_by(by):
        poll_billing()
    attempt.refresh_from_db()
    assert billing.calls["get"] == 1
    assert attempt.next_poll_at is not None
    assert attempt.next_poll_at < now() + SOON


SCENARIOS: list[Scenario] = [
    an_order_has_its_window,
    a_shopper_may_pay_in_the_window_and_not_after_it,
    a_visit_goes_on,
    a_webhook_is_taken,
    a_link_holds_for_its_hour,
    expiry_closes_what_is_over_and_nothing_else,
    billing_is_asked_in_time_and_soon_again,
]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("by", AHEAD_AND_BEHIND)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_machine_whose_clock_jumps_by_an_hour_does_all_in_time(
    scenario: Scenario, by: timedelta, world: World, billing: BillingService
) -> None:
    scenario(by, world, billing)
    check_books()


@pytest.mark.parametrize("by", AHEAD_AND_BEHIND)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_control_with_its_own_clock_believed_it_does_not(
    scenario: Scenario, by: timedelta, world: World, billing: BillingService
) -> None:
    with pytest.raises(AssertionError):
        scenario(by, world, billing)


@pytest.mark.parametrize("by", AHEAD_AND_BEHIND)
def test_a_machine_that_was_wrong_from_the_start_is_right_with_its_first_connection(by: timedelta) -> None:
    right, clock.shared.every = now(), 0
    with machine_wrong_by(by):
        assert abs(now() - right) > HOUR / 2
        look()
        assert abs(now() - right) < SOON


@pytest.mark.parametrize("by", AHEAD_AND_BEHIND)
def test_however_wrong_clocks_are_a_repeated_confirm_charges_once(
    by: timedelta, world: World, billing: BillingService
) -> None:
    """Not even with their own clocks believed: an hour is no week, and billing knows the attempt by its own key."""
    shopper = Shopper()
    checkout_id = shopper.checkout((world.mug, 1))
    first = shopper.confirm(checkout_id, world, "key")
    with machine_wrong_by(by):
        again = shopper.confirm(checkout_id, world, "key")
    assert again.json() == first.json()
    assert (Order.objects.count(), len(billing.sessions), billing.calls["open"]) == (1, 1, 1)


def test_however_wrong_clocks_are_as_many_may_try_to_log_in(settings: LazySettings) -> None:
    """5 in a minute: Redis tells the time of limits."""
    limit(settings)
    answers = []
    for by in (HOUR, -HOUR, timedelta(0), HOUR, -HOUR, HOUR):
        with machine_wrong_by(by):
            answers.append(Member("nobody@example.com").log_in("wrong").status_code)
    assert answers == [401] * 5 + [429]


def test_what_waits_in_redis_is_stored_before_an_erasing_whatever_the_clock_says() -> None:
    session_id = visit()
    services.see(session_id, events=[Event("page_view", Source.SCRIPT, now(), page="/x")], now=now())
    with machine_wrong_by(-HOUR):
        personal.drain()
    assert SessionEvent.objects.count() == 1


def test_when_postgresqls_own_clock_jumps_the_shop_goes_with_it_and_no_money_is_lost(
    world: World, billing: BillingService
) -> None:
    order = Shopper().order(world)
    attempt = attempt_of(order)
    clock.shared.hear(now() + HOUR, asked=monotonic())
    expire_orders()
    assert Order.objects.get(pk=order.pk).status == "expired"
    clock.shared.forget()
    report(attempt, "success")
    assert Order.objects.get(pk=order.pk).status == "success"
    check_books()


def test_a_wrong_clock_is_said_once_and_once_that_it_is_right_again(
    shared: None, caplog: pytest.LogCaptureFixture
) -> None:
    with machine_wrong_by(HOUR):
        look()
        look()
    look()
    assert caplog.messages == [
        "this machine's clock is 3600 s ahead of PostgreSQL's, by which we go",
        "this machine's clock agrees with PostgreSQL's again",
    ]


def test_a_small_difference_is_left_alone(shared: None) -> None:
    with machine_wrong_by(timedelta(seconds=0.5)):
        look()
        assert not clock.shared.is_off


def test_an_answer_that_took_long_says_nothing() -> None:
    clock.shared.hear(now() + HOUR, asked=monotonic() - 2)
    assert clock.shared.shown is None
