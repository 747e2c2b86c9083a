"""A worker may die: `kill -9` of the child that does a job, or of the whole worker, in the middle of it.

What it does happens once all the same, and within two minutes. The middle is made certain by a gate; time passes by
moving leases back in the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import Model

from analytics.models import Alert, DailyMetrics, RealtimeMetrics, StaffSubscription
from analytics.weekly.letters import WEEKLY_REPORT
from catalog.models import Product
from checkout.models import CheckoutSession
from config.celery import app
from config.schedule import SCHEDULE
from config.settings import broker_url
from core import mail
from core import redis as core_redis
from core.clock import now
from core.models import LimitWindow, Mail
from customers.letters import PASSWORD_CHANGED
from customers.models import Registration
from orders import inbox, letters
from orders.models import (
    Order,
    OrderSession,
    OrderStatusChange,
    OutboxEvent,
    PaymentAttempt,
    Refund,
    WebhookDelivery,
    WebhookReceipt,
    WebhookTry,
)
from orders.providers.contract import SignedWebhook
from orders.services import retry_payment
from sessions_app import services
from sessions_app.events import Event, Source
from sessions_app.ingest import TURN
from sessions_app.models import SessionEvent, VisitorSalt, VisitorSession
from sessions_app.state import STREAM
from tests.billing_server import BillingService
from tests.factories import CheckoutSessionFactory, UserFactory, VisitorSessionFactory
from tests.orders.subscriber import Subscriber, endpoint_at, events, listening
from tests.promises.crew import Crew, let_messages_come_again
from tests.promises.effects import TWO_MINUTES, every, happened, let_the_lease_end
from tests.promises.gates import Gate, Reached, commit_held, rows_held, tables_held, unanswered, unheard
from tests.promises.mail_server import MailServer
from tests.promises.processes import LONG, queues_address, until
from tests.promises.slots import visit
from tests.world import Shopper, World, attempt_of, check_books, report, webhook_body, window_ends

pytestmark = pytest.mark.django_db(transaction=True)

VICTIMS = ("child", "worker")


def deaths(*moments: str) -> pytest.MarkDecorator:
    """Where a job is killed, and who: both at every moment when `make promises` asks, else in turn."""
    cases = [(moment, victim) for moment in moments for victim in VICTIMS]
    in_turn = [(moment, VICTIMS[number % 2]) for number, moment in enumerate(moments)]
    return pytest.mark.parametrize(("moment", "victim"), cases if LONG else in_turn)


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """One that waits for its money."""
    return shopper.order(world, (world.mug, 2))


def at(moment: str, billing: BillingService, asked: str = "") -> Gate:
    """The gate at a moment of a job that asks billing and then writes down what became of an order."""
    gates = {
        "asked": partial(unanswered, billing, asked),
        "half written": partial(rows_held, Product.objects.all()),
        "committed": partial(commit_held, OrderStatusChange),
    }
    return gates[moment]()


@deaths("asked", "half written", "committed")
def test_poll_billing(moment: str, victim: str, crew: Crew, billing: BillingService, order: Order) -> None:
    billing.settle(billing.only().checkout_id, "success")
    PaymentAttempt.objects.update(next_poll_at=now())
    died = crew.die(victim, "poll_billing", at(moment, billing, "get"))
    if moment != "committed":
        crew.run("poll_billing")
        assert (attempt_of(order).status, billing.calls["get"]) == ("open", 1)
        let_the_lease_end("poll_billing", PaymentAttempt.objects.all(), "next_poll_at", since=died)
    crew.run("poll_billing")
    happened(order, "success")
    check_books()


@deaths("asked", "half written", "committed")
def test_expire_orders(moment: str, victim: str, crew: Crew, billing: BillingService, order: Order) -> None:
    window_ends(order)
    died = crew.die(victim, "expire_orders", at(moment, billing, "cancel"))
    if moment == "asked":
        crew.run("expire_orders")
        assert (attempt_of(order).status, billing.calls["cancel"]) == ("open", 1)
        let_the_lease_end("expire_orders", PaymentAttempt.objects.all(), "asked_at", since=died)
    crew.run("expire_orders")
    happened(order, "expired")
    assert Product.objects.get(name="Mug").stock_quantity == 10
    check_books()


@deaths("asked", "done")
def test_send_refunds(moment: str, victim: str, crew: Crew, billing: BillingService, order: Order) -> None:
    ask_for_a_refund(order)
    given_back = partial(refunds_at, billing)
    gate = unanswered(billing, "refund") if moment == "asked" else unheard(billing, "refund", given_back)
    died = crew.die(victim, "send_refunds", gate)
    crew.run("send_refunds")
    assert (Refund.objects.get().status, billing.calls["refund"]) == ("requested", 1)
    let_the_lease_end("send_refunds", Refund.objects.all(), "next_try_at", since=died)
    crew.run("send_refunds")
    assert (Refund.objects.get().status, given_back()) == ("done", ["55.00"])
    check_books()


def ask_for_a_refund(order: Order) -> None:
    """The order is paid twice."""
    report(attempt_of(order), "failure")
    retry_payment(order_id=order.id, now=now())
    for number in (1, 2):
        report(attempt_of(order, number), "success")


def refunds_at(billing: BillingService) -> list[str]:
    """What billing gave back."""
    return [amount for session in billing.sessions.values() for amount in session.refunds.values()]


@deaths("half written", "committed")
def test_take_up_webhooks(moment: str, victim: str, crew: Crew, billing: BillingService, order: Order) -> None:
    store_a_webhook(billing)
    assert inbox.DIED_AFTER + every("take_up_webhooks") <= TWO_MINUTES
    crew.die(victim, "take_up_webhooks", at(moment, billing))
    crew.run("take_up_webhooks")
    assert WebhookReceipt.objects.get().outcome == "settled"
    happened(order, "success")
    check_books()


def store_a_webhook(billing: BillingService) -> None:
    """The order is paid, and the process that was told died before it did anything."""
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only())).encode()
    inbox.store(SignedWebhook("msg_1", {}, body), provider="billing", now=now() - inbox.DIED_AFTER)


@deaths("half written")
def test_expire_checkouts(moment: str, victim: str, crew: Crew) -> None:
    CheckoutSessionFactory(expires_at=now())
    assert every("expire_checkouts") <= TWO_MINUTES
    crew.die(victim, "expire_checkouts", tables_held(CheckoutSession))
    crew.run("expire_checkouts")
    assert CheckoutSession.objects.get().status == "timeout"


@deaths("half written", "committed")
def test_send_payment_reminders(moment: str, victim: str, crew: Crew, order: Order) -> None:
    OrderSession.objects.update(expires_at=now() + timedelta(minutes=4))
    assert every("send_payment_reminders") <= TWO_MINUTES
    crew.die(victim, "send_payment_reminders", tables_held(Mail) if moment == "half written" else commit_held(Mail))
    crew.run("send_payment_reminders")
    assert Mail.objects.filter(kind=letters.REMINDER).count() == 1
    assert OrderSession.objects.get(order=order).reminder_sent_at is not None


@deaths("half written", "committed")
def test_send_abandoned_checkout_reminders(moment: str, victim: str, crew: Crew) -> None:
    """It runs each 10 minutes: what a dead worker had not written is written by the next."""
    left = now() - timedelta(hours=2)
    asked = {"email": "ada@example.com", "reminder": "asked", "reminder_asked_at": left}
    CheckoutSessionFactory(status="timeout", lapsed_at=left, **asked)
    name = "send_abandoned_checkout_reminders"
    crew.die(victim, name, tables_held(Mail) if moment == "half written" else commit_held(Mail))
    crew.run(name)
    assert Mail.objects.filter(recipient="ada@example.com").count() == 1
    assert CheckoutSession.objects.get().reminder == "sent"


@deaths("half written", "committed")
def test_flush_events(moment: str, victim: str, crew: Crew) -> None:
    session_id = visit()
    crew.run("flush_events")
    services.see(session_id, events=[Event("page_view", Source.SCRIPT, now(), page="/x")], now=now())
    rows = VisitorSession.objects.all()
    crew.die(victim, "flush_events", rows_held(rows) if moment == "half written" else commit_held(VisitorSession))
    assert core_redis.client().xlen(STREAM) == 1
    let_the_turn_end()
    crew.run("flush_events")
    assert (SessionEvent.objects.count(), rows.get().page_views, core_redis.client().xlen(STREAM)) == (1, 1, 0)


def let_the_turn_end() -> None:
    """As if the dead flusher's lease were over."""
    left = timedelta(milliseconds=core_redis.client().pttl(TURN))
    assert timedelta(0) < left <= TWO_MINUTES - every("flush_events")
    core_redis.client().delete(TURN)


@deaths("greeting", "thanks")
def test_send_mail(moment: str, victim: str, crew: Crew, mails: MailServer) -> None:
    """One that the server took while its sender died goes out again, with the same id: there is no way to know."""
    mail.queue(kind=PASSWORD_CHANGED, recipient="ada@example.com", language="en", now=now())
    died = crew.die(victim, "send_mail", slow_mail(mails, moment))
    crew.run("send_mail")
    assert (Mail.objects.get().status, mails.calls) == ("waiting", 1)
    let_the_lease_end("send_mail", Mail.objects.all(), "next_attempt_at", since=died)
    crew.run("send_mail")
    assert Mail.objects.get().status == "sent"
    assert list(mails.taken.values()) == [1 if moment == "greeting" else 2]


@contextmanager
def slow_mail(mails: MailServer, word: str) -> Iterator[Reached]:
    """A gate at the mail server."""
    with mails.waits(word):
        yield lambda: mails.calls if word == "greeting" else mails.taken


@deaths("heard", "committed")
def test_deliver_outbox(moment: str, victim: str, crew: Crew) -> None:
    """An event that the subscriber heard of while its sender died comes again, by the same id."""
    with listening() as subscriber:
        endpoint_at(subscriber.at("/hook"))
        events()
        gate = slow_subscriber(subscriber) if moment == "heard" else commit_held(WebhookTry)
        died = crew.die(victim, "deliver_outbox", gate)
        crew.run("deliver_outbox")
        if moment == "heard":
            assert (WebhookDelivery.objects.get().status, len(subscriber.calls)) == ("waiting", 1)
            let_the_lease_end("deliver_outbox", WebhookDelivery.objects.all(), "next_try_at", since=died)
            crew.run("deliver_outbox")
        assert WebhookDelivery.objects.get().status == "delivered"
        assert list(subscriber.ids().values()) == [2 if moment == "heard" else 1]


@contextmanager
def slow_subscriber(subscriber: Subscriber) -> Iterator[Reached]:
    """A gate at the subscriber: it has heard, and takes its time to say so."""
    subscriber.at("/hook", delay=5)
    yield lambda: subscriber.calls
    subscriber.at("/hook")


OTHERS: dict[str, type[Model]] = {
    "aggregate_today": DailyMetrics,
    "aggregate_yesterday": DailyMetrics,
    "cleanup": Mail,
    "close_lapsed_sessions": VisitorSession,
    "forget_limits": LimitWindow,
    "forget_unproven": Registration,
    "rotate_visitor_salt": VisitorSalt,
    "send_weekly_reports": StaffSubscription,
    "update_realtime_metrics": RealtimeMetrics,
    "watch": Alert,
}
"""Jobs of one statement, or that compute the same again, and a table that each of them needs."""


@pytest.mark.parametrize("victim", VICTIMS if LONG else ["worker"])
def test_the_others_all_together(victim: str, big_crew: Crew) -> None:
    """Their messages come again by themselves, at once if a child died, else when the broker gives the worker up."""
    old = now() - timedelta(days=31)
    leave_something_to_do(old)
    with tables_held(*OTHERS.values()) as those_who_wait:
        messages = [big_crew.begin(name) for name in OTHERS]
        until(lambda: len(those_who_wait()) == len(OTHERS), "all are at work")
        big_crew.kill(victim)
    let_messages_come_again()
    for message in messages:
        big_crew.ready().wait_for(message, "succeeded")
    for model in (LimitWindow, OutboxEvent, Registration, WebhookReceipt, VisitorSalt):
        assert not model._default_manager.exists(), model
    assert [row.kind for row in Mail.objects.all()] == [WEEKLY_REPORT]
    assert VisitorSession.objects.get().ended_at == old
    assert RealtimeMetrics.objects.count() == 1
    assert DailyMetrics.objects.filter(date__gte=now() - timedelta(days=1)).count() == 2


def leave_something_to_do(old: datetime) -> None:
    """What was over long ago, and somebody who wants a report."""
    reader = UserFactory(is_staff=True, is_superuser=True)
    StaffSubscription.objects.create(user=reader, kind=StaffSubscription.Kind.WEEKLY_REPORT)
    WebhookReceipt.objects.create(webhook_id="old", received_at=old)
    Mail.objects.create(kind="old", recipient="ada@example.com", status=Mail.Status.SKIPPED, created_at=old)
    Registration.objects.create(email="ada@example.com", password="none", created_at=old)
    LimitWindow.objects.create(key="old", used=1, ends_at=old)
    OutboxEvent.objects.create(topic="order.paid", payload={}, created_at=old, published_at=old, streamed_at=old)
    VisitorSalt.objects.create(day=old.date(), salt=b"old")
    VisitorSessionFactory(started_at=old)


def test_each_job_is_killed_by_one_of_these_tests() -> None:
    assert {job.name for job in SCHEDULE if f"test_{job.name}" not in globals()} == set(OTHERS)


def test_a_message_of_a_dead_worker_comes_again_within_two_minutes() -> None:
    with app.connection_for_read(broker_url(queues_address())) as connection:
        channel: Any = connection.default_channel
        looks_every = channel.unacked_restore_interval * channel.unacked_restore_throttle
        assert timedelta(seconds=channel.visibility_timeout + looks_every) <= TWO_MINUTES


def test_control_money_that_is_settled_bit_by_bit(
    careless: Callable[[str], Crew], billing: BillingService, order: Order
) -> None:
    with pytest.raises(AssertionError, match="'success', 1"):
        test_poll_billing("half written", "child", careless("settle_bit_by_bit"), billing, order)


def test_control_a_refund_that_is_taken_without_a_lease(
    careless: Callable[[str], Crew], billing: BillingService, order: Order
) -> None:
    with pytest.raises(AssertionError, match="taken until 2999"):
        test_send_refunds("asked", "child", careless("claim_for_ever"), billing, order)
