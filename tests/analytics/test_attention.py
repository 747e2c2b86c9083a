"""The strip of what needs somebody: what there is, as links, to those who may see the lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django_celery_beat.models import PeriodicTask

from analytics.alerts.muting import mute
from analytics.attention import attention_items
from analytics.models import Alert, AlertKind, RealtimeMetrics
from config.schedule import sync_schedule
from core import redis as core_redis
from customers.models import User
from orders.models import Order
from orders.providers import lately
from orders.reasons import REASONS
from sessions_app.models import DeadLetter
from tests.admin_lists import list_of
from tests.analytics.days import at
from tests.analytics.staff import member
from tests.factories import OrderFactory
from tests.orders.subscriber import delivery_to, endpoint_at

pytestmark = pytest.mark.django_db
NOW = at(14, 5)
WHY = (
    "paid late, sold out meanwhile",
    "paid twice",
    "billing took 19.00 GBP instead of 20.00 GBP",
    "a refund of 5.00 GBP was refused: no",
    "The customer was erased before this order was shipped.",
    "something else",
)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def items(user: User | AnonymousUser) -> dict[str, str]:
    """What somebody sees: links by text."""
    request = RequestFactory().get("/admin/")
    request.user = user
    return {item["text"]: item["link"] for item in attention_items(request)}


def test_orders_are_told_by_why_and_each_link_leads_to_them(admin_client: Client) -> None:
    made = {why: OrderFactory.create(needs_attention=why).number for why in WHY}
    made[WHY[0] + " again"] = OrderFactory.create(needs_attention=WHY[0]).number
    OrderFactory.create()
    found = items(member("orders.view_order"))
    titles = [reason.title for reason in REASONS[1:]]
    assert list(found) == ["2 paid late", *(f"1 {title}" for title in titles), "1 order needs attention"]
    for link, why in zip(found.values(), WHY, strict=True):
        page = list_of(admin_client, "orders/order", attention=link.rpartition("=")[2])
        shown = {reason for reason, number in made.items() if number in page}
        assert {reason.removesuffix(" again") for reason in shown} == {why}
    assert Order.objects.needing_attention().count() == 7


def test_events_and_webhooks_that_were_given_up_are_told() -> None:
    DeadLetter.objects.create(entry={}, error="no such session")
    delivery_to(endpoint_at("https://a.example/"), status="dead", next_try_at=None, settled_at=NOW)
    assert items(member("sessions_app.view_deadletter", "orders.view_webhookdelivery")) == {
        "1 event was not stored (dead letters)": "/admin/sessions_app/deadletter/",
        "1 webhook was never taken": "/admin/orders/webhookdelivery/?status__exact=dead",
    }


@pytest.mark.parametrize(
    ("asked", "failed", "texts"),
    [(100, 3, ["billing errors 3 %"]), (100, 2, []), (1000, 5, []), (0, 3, ["billing errors 100 %"])],
)
def test_billing_errors_are_a_share_of_the_calls_of_the_last_hours(asked: int, failed: int, texts: list[str]) -> None:
    for number in range(asked):
        lately.note("asked", now=NOW - timedelta(hours=number % 2))
    for _ in range(failed):
        lately.note("failed", now=NOW)
        lately.note("failed", now=NOW - timedelta(hours=2))
    assert list(items(member("orders.view_paymentattempt"))) == texts


def test_without_redis_nothing_is_said_of_billing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    assert items(member("orders.view_paymentattempt")) == {}


def test_open_alerts_that_are_not_muted_are_told() -> None:
    for kind in ("traffic_low", "no_orders"):
        Alert.objects.create(kind=kind, sentence="<b>23 visits</b>", began_at=NOW)
    Alert.objects.create(kind="traffic_high", sentence="over", began_at=NOW, ended_at=NOW)
    staff = member("analytics.view_alert")
    mute(kind=AlertKind.NO_ORDERS, until=at(15), user=staff, now=NOW)
    assert items(staff) == {"Few visits: <b>23 visits</b>": "/admin/?period=today"}


def ran(name: str, **ago: int) -> None:
    """When beat last sent a job; all others were just sent."""
    PeriodicTask.objects.filter(last_run_at=None).update(last_run_at=NOW)
    PeriodicTask.objects.filter(name=name).update(last_run_at=NOW - timedelta(**ago))


@pytest.fixture
def ops() -> User:
    sync_schedule()
    return member("django_celery_beat.view_periodictask")


@pytest.mark.parametrize(
    ("name", "ago", "texts"),
    [
        ("expire_orders", {"minutes": 5}, ["job expire_orders 4 min late"]),
        ("expire_orders", {"minutes": 4}, []),
        ("watch", {"minutes": 8}, []),
        ("aggregate_yesterday", {"hours": 30}, ["job aggregate_yesterday 13 h 55 min late"]),
        ("aggregate_yesterday", {"hours": 13}, []),
    ],
)
def test_a_job_is_late_once_it_was_due_for_some_minutes(
    name: str, ago: dict[str, int], texts: list[str], ops: User
) -> None:
    ran(name, **ago)
    assert list(items(ops)) == texts


def test_a_job_that_is_switched_off_is_not_late(ops: User) -> None:
    ran("expire_orders", minutes=50)
    PeriodicTask.objects.filter(name="expire_orders").update(enabled=False)
    assert items(ops) == {}


def test_many_late_jobs_are_told_together(ops: User) -> None:
    PeriodicTask.objects.exclude(interval=None).update(last_run_at=NOW - timedelta(hours=3))
    PeriodicTask.objects.filter(interval=None).update(last_run_at=NOW)
    (text,) = items(ops)
    assert text.endswith("jobs late, by up to 2 h 59 min")


def test_jobs_that_are_sent_and_not_done_are_told(ops: User) -> None:
    ran("expire_orders", minutes=0)
    RealtimeMetrics.objects.create(minute=at(13, 55))
    assert items(ops) == {"no job done for 10 min": "/admin/django_celery_beat/periodictask/"}


def test_those_who_may_see_none_of_the_lists_see_nothing() -> None:
    OrderFactory.create(needs_attention="paid twice")
    assert (items(member("analytics.view_dailymetrics")), items(AnonymousUser())) == ({}, {})
