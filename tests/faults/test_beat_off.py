"""Beat was off for a day. When it is back, what was due is done: once, in batches, and not if it is no longer true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail as django_mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.models import DailyMetrics, RealtimeMetrics
from analytics.services import aggregate_day
from analytics.tasks import aggregate_today
from checkout.models import CheckoutSession
from checkout.services import idle
from config.celery import app
from config.schedule import SCHEDULE
from core import mail
from core.clock import day_bounds, now, shop_day
from core.models import Mail
from customers.letters import PASSWORD_CHANGED, PASSWORD_RESET
from orders import letters
from orders.models import Order, OrderSession, PaymentAttempt, Refund, WebhookDelivery
from orders.services import reminding
from sessions_app import lapsed, services
from sessions_app.events import Event, Source
from sessions_app.models import SessionEvent, VisitorSalt, VisitorSession
from sessions_app.salts import salt_of
from tests.billing_server import BillingService
from tests.factories import CheckoutSessionFactory, RefundFactory, VisitorSessionFactory
from tests.orders.subscriber import endpoint_at, listening
from tests.promises.effects import happened
from tests.promises.slots import visit
from tests.world import Shopper, World, attempt_of, check_books, report

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
RUNS = 2
"""Whoever comes back finds each job in its queue more than once."""


@pytest.fixture
def yesterday() -> Iterator[time_machine.Traveller]:
    """It is the day before, at this time, until the test goes on `today`."""
    with time_machine.travel(now() - DAY) as clock:
        yield clock


def today(clock: time_machine.Traveller, *names: str) -> None:
    """A day later, beat is back: these jobs are sent, or all."""
    clock.shift(DAY)
    salt_of.cache_clear()
    app.loader.import_default_modules()
    for job in [job for job in SCHEDULE if not names or job.name in names] * RUNS:
        app.tasks[job.task]()


@pytest.fixture
def orders(yesterday: time_machine.Traveller, world: World, billing: BillingService) -> dict[str, Order]:
    """What yesterday's shoppers left: one who did not pay, one who did, one who paid twice."""
    found = {name: Shopper().order(world) for name in ("left", "paid", "paid twice")}
    billing.settle(attempt_of(found["paid"]).billing_checkout_id, "success")
    report(attempt_of(found["paid twice"]), "success")
    RefundFactory(attempt=attempt_of(found["paid twice"]), next_try_at=now(), requested_at=now())
    return found


def test_orders_come_to_their_ends_once(
    orders: dict[str, Order], yesterday: time_machine.Traveller, billing: BillingService
) -> None:
    today(yesterday)
    happened(orders["left"], "expired")
    happened(orders["paid"], "success")
    assert (billing.calls["cancel"], billing.calls["refund"]) == (1, 1)
    assert Refund.objects.get().status == "done"
    assert not PaymentAttempt.objects.filter(status="open").exists()
    check_books()


def mails_about(order: Order) -> list[str]:
    """What was written to its customer."""
    return list(Mail.objects.filter(recipient=order.email).order_by("created_at").values_list("kind", flat=True))


def test_nobody_is_reminded_of_what_cannot_be_paid_any_more(
    orders: dict[str, Order], yesterday: time_machine.Traveller
) -> None:
    today(yesterday, "send_payment_reminders", "expire_orders")
    assert mails_about(orders["left"]) == [letters.RECEIVED, letters.EXPIRED]


def test_control_without_a_look_at_the_window_they_are(
    orders: dict[str, Order], yesterday: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "AND expires_at > %(now)s" in reminding.CLAIM
    monkeypatch.setattr(reminding, "CLAIM", reminding.CLAIM.replace("AND expires_at > %(now)s", ""))
    today(yesterday, "send_payment_reminders")
    assert letters.REMINDER in mails_about(orders["left"])


def test_who_may_still_pay_is_reminded_once(
    yesterday: time_machine.Traveller, world: World, billing: BillingService
) -> None:
    yesterday.shift(DAY)
    order = Shopper().order(world)
    OrderSession.objects.update(expires_at=now() + timedelta(minutes=4))
    yesterday.shift(-DAY)
    today(yesterday, "send_payment_reminders")
    assert mails_about(order) == [letters.RECEIVED, letters.REMINDER]


def test_mails_that_hold_for_days_go_out_once_and_links_that_have_expired_do_not(
    yesterday: time_machine.Traveller,
) -> None:
    for kind in (PASSWORD_CHANGED, PASSWORD_RESET):
        mail.queue(kind=kind, recipient="ada@example.com", language="en", now=now())
    before = len(django_mail.outbox)
    today(yesterday, "send_mail")
    assert len(django_mail.outbox) == before + 1
    assert dict(Mail.objects.values_list("kind", "status")) == {PASSWORD_CHANGED: "sent", PASSWORD_RESET: "dead"}


def test_who_asked_to_be_reminded_of_a_checkout_is_reminded_once(yesterday: time_machine.Traveller) -> None:
    asked = {"email": "ada@example.com", "reminder": "asked", "reminder_asked_at": now()}
    CheckoutSessionFactory(updated_at=now(), expires_at=now() + timedelta(minutes=30), **asked)
    today(yesterday, "expire_checkouts", "send_abandoned_checkout_reminders")
    checkout = CheckoutSession.objects.get()
    assert (checkout.status, checkout.reminder) == ("timeout", "sent")
    assert checkout.lapsed_at == checkout.expires_at
    assert Mail.objects.count() == 1


def test_subscribers_hear_of_each_event_once(
    yesterday: time_machine.Traveller, world: World, billing: BillingService
) -> None:
    with listening() as subscriber:
        endpoint_at(subscriber.at("/hook"), "order.created", "order.paid")
        report(attempt_of(Shopper().order(world)), "success")
        today(yesterday, "deliver_outbox")
        assert sorted(subscriber.ids().values()) == [1, 1]
    assert {delivery.status for delivery in WebhookDelivery.objects.all()} == {"delivered"}


def see(seconds: int = 0) -> None:
    """Somebody looks at a page, and at another one; the script says so."""
    events = [Event("page_view", Source.SCRIPT, now(), page=page) for page in ("/x", "/y")]
    services.see(visit(), events=events, now=now() + timedelta(seconds=seconds))


def test_visits_are_stored_and_end_when_they_were_last_seen(yesterday: time_machine.Traveller) -> None:
    see(seconds=60)
    seen = now() + timedelta(seconds=60)
    today(yesterday, "flush_events", "close_lapsed_sessions")
    ended = VisitorSession.objects.get()
    assert (ended.page_views, SessionEvent.objects.count()) == (2, 2)
    assert ended.ended_at is not None
    assert abs(ended.ended_at - seen) < timedelta(seconds=30)


def test_the_day_without_beat_has_its_figures_and_no_minutes_are_made_up(yesterday: time_machine.Traveller) -> None:
    see()
    today(yesterday, "flush_events", "aggregate_today", "aggregate_yesterday", "update_realtime_metrics")
    row = DailyMetrics.objects.get(date=shop_day(now()) - DAY)
    assert (row.total_visits, row.is_final) == (1, True)
    assert RealtimeMetrics.objects.count() <= RUNS


@pytest.mark.parametrize("days", [2, 9])
def test_days_that_were_half_counted_when_beat_went_off_are_counted_when_it_is_back(days: int) -> None:
    """However long ago: visits came after the last count."""
    day = shop_day(now() - days * DAY)
    noon = day_bounds(day)[0] + timedelta(hours=12)
    VisitorSessionFactory(started_at=noon - timedelta(hours=1))
    aggregate_day(day=day, now=noon)
    VisitorSessionFactory(started_at=noon + timedelta(hours=1))
    aggregate_today()
    row = DailyMetrics.objects.get(date=day)
    assert (row.total_visits, row.is_final) == (2, True)


def test_a_salt_is_destroyed_though_late_and_a_new_day_needs_no_job(yesterday: time_machine.Traveller) -> None:
    for ago in (1, 2):
        VisitorSalt.objects.create(day=(now() - ago * DAY).date(), salt=b"old")
    yesterday.shift(DAY)
    Shopper().visit()
    assert VisitorSalt.objects.filter(day=now().date()).exists()
    yesterday.shift(-DAY)
    today(yesterday, "rotate_visitor_salt")
    assert {now().date() - salt.day for salt in VisitorSalt.objects.all()} <= {timedelta(0), DAY}


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three each."""
    monkeypatch.setattr(lapsed, "BATCH", 3)
    monkeypatch.setattr(idle, "BATCH", 3)


def locked_by(statement: str, captured: CaptureQueriesContext) -> int:
    """How many statements hold this."""
    return sum(statement in query["sql"] for query in captured.captured_queries)


def test_a_day_of_visits_and_checkouts_ends_in_batches(small_batches: None) -> None:
    long_ago: datetime = now() - DAY
    VisitorSessionFactory.create_batch(7, started_at=long_ago, ended_at=None)
    with CaptureQueriesContext(connection) as captured:
        assert lapsed.close_lapsed(now=now()) == 7
        CheckoutSessionFactory.create_batch(7, updated_at=long_ago, expires_at=long_ago)
        assert idle.expire_idle(now=now()) == 7
    assert locked_by('UPDATE "sessions_app_visitorsession"', captured) == 3
    assert locked_by('UPDATE "checkout_checkoutsession"', captured) == 3
