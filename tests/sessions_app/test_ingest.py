"""From the stream to PostgreSQL, once."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from core import redis as core_redis
from sessions_app import ingest, services, state
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import CrawlerDay, DeadLetter, SessionEvent, VisitorSession
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from tests.browsers import CHROME

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


def event(event_type: str, source: str = Source.SCRIPT) -> Event:
    return Event(event_type, source, NOW, page="/x")


def visit(*events: Event) -> SessionState:
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    return services.open_session(services.begin(arrival=arrival, now=NOW), events=events, now=NOW)


def test_totals_come_from_the_rows_really_inserted() -> None:
    visit(event("page_view"), event("product_view"), event("add_to_cart"), event("page_view", Source.API))
    ingest.flush(consumer="test")
    row = VisitorSession.objects.get()
    assert (row.page_views, row.product_views, row.cart_additions, row.events_count) == (1, 1, 1, 4)
    assert row.api_page_views == 1


def test_a_batch_delivered_twice_changes_nothing_twice() -> None:
    session = visit()
    ingest.flush(consumer="test")
    entries = [ingest.decode_text(event_entry(event("page_view"), session.session_id))]
    ingest.store(entries)
    ingest.store(entries)
    assert VisitorSession.objects.get().page_views == 1


def test_the_same_event_twice_in_one_batch_counts_once() -> None:
    same = event("page_view")
    visit(same, same)
    ingest.flush(consumer="test")
    assert VisitorSession.objects.get().page_views == 1


def test_what_is_stored_leaves_the_stream() -> None:
    visit(event("page_view"))
    ingest.flush(consumer="test")
    assert core_redis.client().xlen(state.STREAM) == 0


def test_what_a_dead_flusher_left_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    visit(event("page_view"))
    core_redis.call(ingest.ensure_group)
    assert len(ingest.take_new("dead")) == 2
    monkeypatch.setattr(ingest, "CLAIM_AFTER_MS", 0)
    ingest.flush(consumer="alive")
    assert SessionEvent.objects.count() == 1


def test_one_poisonous_event_loses_only_itself() -> None:
    session = visit(event("page_view"))
    poison = ingest.decode_text(event_entry(event("search"), session.session_id)) | {"timestamp": "not a time"}
    state.append([ingest.encode_entry(poison), event_entry(event("add_to_cart"), session.session_id)])
    ingest.flush(consumer="test")
    assert sorted(SessionEvent.objects.values_list("event_type", flat=True)) == ["add_to_cart", "page_view"]
    assert DeadLetter.objects.get().entry["event_type"] == "search"


def test_an_event_of_an_unknown_session_becomes_a_dead_letter() -> None:
    state.append([event_entry(event("search"), uuid4())])
    ingest.flush(consumer="test")
    assert DeadLetter.objects.get().error == "the session is unknown"


def test_crawlers_copied_twice_are_counted_once() -> None:
    ingest.count_crawler(day="2026-11-20", views=3)
    ingest.flush(consumer="test")
    ingest.flush(consumer="test")
    assert CrawlerDay.objects.get().page_views == 3
