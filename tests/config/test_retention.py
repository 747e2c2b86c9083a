"""What is kept for how long."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django.plugin import DjangoDbBlocker

from analytics.models import DailyMetrics
from analytics.services import aggregate_day
from checkout.models import CheckoutSession, IdempotencyKey
from config.embedded import PROJECT
from config.retention import check_retention, cleanup, cleanup_due, rules
from config.schedule import sync_schedule
from core import retention
from core.clock import now, shop_day
from core.models import Mail
from core.retention import Tally
from orders.models import Order, OutboxEvent, WebhookReceipt
from sessions_app import months
from sessions_app.models import DeadLetter, SessionEvent, VisitorSession
from tests.factories import CheckoutSessionFactory, OrderFactory, SessionEventFactory, VisitorSessionFactory
from tests.sessions_app.test_months import partitions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, scope="module")
def no_months_of_others(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Other tests leave hundreds behind; each of these would drop them all, and find them there again."""
    with django_db_blocker.unblock():
        while months.drop_oldest(now()):
            """The next."""


def rows_by_rule(tallies: list[Tally]) -> dict[str, int]:
    """But for events: other tests leave months behind."""
    return {tally.rule.name: tally.rows for tally in tallies if tally.rows and tally.rule.name != "events"}


def removed() -> dict[str, int]:
    return rows_by_rule(cleanup(now=now(), seconds=60))


def ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def a_login(days: float) -> None:
    Session.objects.create(session_key=str(days), session_data="", expire_date=ago(days))


def a_mail(days: float) -> None:
    Mail.objects.create(kind="paid", recipient="a@example.com", status=Mail.Status.SKIPPED, created_at=ago(days))


def a_webhook(days: float) -> None:
    WebhookReceipt.objects.create(webhook_id=str(days), received_at=ago(days))


def an_event_out(days: float) -> None:
    times = dict.fromkeys(("created_at", "published_at", "streamed_at"), ago(days))
    OutboxEvent.objects.create(topic="order.paid", payload={}, **times)


def a_key(days: float) -> None:
    IdempotencyKey.objects.create(path="/", key=str(days), fingerprint="f", owner="o", created_at=ago(days))


def a_checkout(days: float) -> None:
    CheckoutSessionFactory(status="timeout", expires_at=ago(days), visitor_session=None)


def a_dead_letter(days: float) -> None:
    DeadLetter.objects.create(entry={}, error="none", created_at=ago(days))


def a_visit(days: float) -> None:
    VisitorSessionFactory(started_at=ago(days))


def a_visit_with_an_order(days: float) -> None:
    order = OrderFactory()
    order.visitor_session = VisitorSessionFactory(started_at=ago(days), order_id=order.pk)
    order.save(update_fields=["visitor_session"])


KINDS: dict[str, tuple[Callable[[float], None], int]] = {
    "logins": (a_login, 1),
    "mails": (a_mail, 30),
    "webhooks": (a_webhook, 30),
    "events out": (an_event_out, 30),
    "keys": (a_key, 7),
    "checkouts": (a_checkout, 90),
    "dead letters": (a_dead_letter, 90),
    "visits": (a_visit, 90),
    "customers' visits": (a_visit_with_an_order, 760),
}


@pytest.mark.parametrize("name", KINDS)
def test_rows_go_when_their_days_are_over_and_not_before(name: str) -> None:
    make, days = KINDS[name]
    make(days - 0.1)
    make(days + 1.1)
    assert removed() == {name: 1}


def test_every_rule_is_tried() -> None:
    assert {rule.name for rule in rules()} == {*KINDS, "deliveries", "events"}  # tests/orders/test_outbox.py; below


def test_what_is_still_needed_stays_however_old() -> None:
    Mail.objects.create(kind="paid", recipient="a@example.com", created_at=ago(900), next_attempt_at=now())
    for status in ("success", "open"):
        CheckoutSessionFactory(status=status, expires_at=ago(900), visitor_session=None)
    OrderFactory(placed_at=ago(900))
    assert removed() == {}


def test_a_visit_goes_with_its_events_and_leaves_orders_and_checkouts() -> None:
    a_visit_with_an_order(800)
    visit = VisitorSession.objects.get()
    SessionEventFactory(session=visit, timestamp=ago(50))
    checkout = CheckoutSessionFactory(visitor_session=visit, status="success")
    assert removed() == {"customers' visits": 1}
    assert not SessionEvent.objects.exists()
    assert CheckoutSession.objects.get(pk=checkout.pk).visitor_session is None
    assert Order.objects.get().visitor_session is None


def test_events_go_by_whole_months() -> None:
    SessionEventFactory(timestamp=datetime(2001, 5, 30, tzinfo=UTC))
    SessionEventFactory(timestamp=ago(89))
    removed()
    assert months.PARENT + "_2001_05" not in partitions()
    assert f"{months.PARENT}_{months.month_of(ago(90)):%Y_%m}" in partitions()


def test_a_month_that_went_can_come_again() -> None:
    months.ensure_months([datetime(2001, 5, 30, tzinfo=UTC)])
    months.drop_oldest(ago(90))
    SessionEventFactory(timestamp=datetime(2001, 5, 30, tzinfo=UTC))
    assert SessionEvent.objects.count() == 1


def test_days_whose_visits_go_keep_their_numbers() -> None:
    day = shop_day(ago(100))
    a_visit(100)
    aggregate_day(day=day, now=now())
    removed()
    aggregate_day(day=day, now=now())
    row = DailyMetrics.objects.get(date=day)
    assert (row.total_visits, VisitorSession.objects.count()) == (1, 0)


def test_control_a_day_that_was_not_frozen_would_be_counted_as_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.retention.freeze_days", lambda **_more: None)
    with pytest.raises(AssertionError, match="0, 0"):
        test_days_whose_visits_go_keep_their_numbers()


def test_what_is_kept_for_ever_does_not_go(settings: LazySettings) -> None:
    settings.VISIT_RETENTION_DAYS = 0
    settings.CUSTOMER_VISIT_RETENTION_DAYS = 0
    a_visit(4000)
    assert removed() == {}


def test_a_run_whose_time_is_over_stops_between_batches_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in range(100, 105):
        a_visit(days)
    with monkeypatch.context() as patched:
        clock = iter(range(100))
        patched.setattr("core.retention.monotonic", lambda: next(clock))
        (stopped,) = [tally for tally in cleanup(now=now(), seconds=4) if tally.rule.name == "visits"]
    assert (stopped.rows, stopped.is_done) == (4, False)
    assert removed() == {"visits": 1}


def test_a_dry_run_removes_nothing_and_says_what_would_go() -> None:
    a_visit(100)
    assert rows_by_rule(cleanup_due(now=now())) == {"visits": 1}
    assert VisitorSession.objects.count() == 1


def test_the_command_says_in_json_what_went() -> None:
    a_visit(100)
    out = StringIO()
    call_command("cleanup", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert [each["rows"] for each in told["removed"] if each["name"] == "visits"] == [1]
    assert not VisitorSession.objects.exists()


def test_the_command_says_in_a_table_what_would_go() -> None:
    a_visit(100)
    out = StringIO()
    call_command("cleanup", "--dry-run", stdout=out)
    assert "Would be removed" in out.getvalue()
    assert VisitorSession.objects.count() == 1


def test_without_postgresql_the_command_fails_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_more: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("config.retention.cleanup", away)
    with pytest.raises(CommandError, match="cannot be asked: gone"):
        call_command("cleanup")


@pytest.mark.parametrize(("days", "codes"), [(0, []), (31, []), (30, ["config.E001"]), (-1, ["config.E001"])])
def test_visits_are_kept_as_long_as_orders_are_credited_to_them(
    days: int, codes: list[str], settings: LazySettings
) -> None:
    settings.VISIT_RETENTION_DAYS = days
    assert [error.id for error in check_retention()] == codes


def test_jobs_that_it_replaced_leave_the_schedule() -> None:
    every = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.create(name="forget_mail", task="core.tasks.forget_mail", interval=every)
    sync_schedule()
    assert not PeriodicTask.objects.filter(name="forget_mail").exists()


def test_the_privacy_guide_tells_every_rule() -> None:
    page = (PROJECT / "docs" / "privacy.md").read_text()
    for rule in rules():
        assert f"| {rule.name} | {rule.what} | {rule.days} |" in page
