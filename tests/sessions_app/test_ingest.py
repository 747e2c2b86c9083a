"""From the stream to PostgreSQL, once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, transaction

from core import redis as core_redis
from sessions_app import dead_letters, ingest, services, state, storing
from sessions_app.entries import Entry, Kind
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import CrawlerDay, DeadLetter, SessionEvent, VisitorSession
from sessions_app.services import Arrival, session_entry
from sessions_app.state import SessionState
from tests.browsers import CHROME
from tests.database import database_away
from tests.promises.gates import waiting
from tests.promises.processes import until

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


def test_a_visit_begins_with_the_totals_of_its_first_events() -> None:
    visit(event("page_view"), replace(event("engagement"), metadata={"seconds": 7}), event("search"))
    ingest.flush(consumer="test")
    row = VisitorSession.objects.get()
    assert (row.page_views, row.engagement_seconds, row.other_events, row.events_count) == (1, 7, 1, 3)
    assert not row.unconfirmed


@pytest.mark.parametrize("others", [0, 1])
def test_a_visit_without_events_begins_with_none(others: int) -> None:
    for _other in range(others):
        visit(event("page_view"))
    visit()
    ingest.flush(consumer="test")
    row = VisitorSession.objects.get(events_count=0)
    assert (row.script_page_views, row.engagement_seconds, row.unconfirmed) == (0, 0, True)


def test_a_batch_delivered_twice_changes_nothing_twice() -> None:
    session = visit()
    ingest.flush(consumer="test")
    entries = [event_entry(event("page_view"), session.session_id)]
    storing.store(entries)
    storing.store(entries)
    assert VisitorSession.objects.get().page_views == 1


def test_the_same_event_twice_in_one_batch_counts_once() -> None:
    same = event("page_view")
    visit(same, same)
    ingest.flush(consumer="test")
    assert VisitorSession.objects.get().page_views == 1


def test_an_event_that_comes_again_while_it_is_stored_is_stored_once() -> None:
    assert stored_at_once() == 1
    assert VisitorSession.objects.get().page_views == 1


def test_control_without_holding_its_visit_it_is_stored_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "HOLD_SESSIONS", "SELECT")
    assert stored_at_once() == 2


def stored_at_once() -> int:
    """The rows of an event that comes twice: with another time, as what has none of its own does, and while the first
    is stored but not committed.
    """
    first = event("page_view")
    later = replace(first, timestamp=NOW + timedelta(seconds=1))
    session_id = visit().session_id
    ingest.flush(consumer="test")
    store_meanwhile([event_entry(first, session_id)], [event_entry(later, session_id)])
    return SessionEvent.objects.count()


def test_a_visit_that_two_begin_at_once_has_the_events_of_both() -> None:
    assert begun_at_once() == 2


def test_control_without_adding_to_it_those_of_the_second_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    adding = f"DO UPDATE SET {storing.ADD_TOTALS.format('excluded')}"
    assert adding in storing.STORE
    monkeypatch.setattr(storing, "STORE", storing.STORE.replace(adding, "DO NOTHING"))
    assert begun_at_once() == 1


def test_whoever_stores_a_visit_that_another_has_just_stored_does_not_hold_it() -> None:
    """Orders of one visit at once would wait for each other: for the visit one, for the customer the other."""
    session = services.begin(arrival=Arrival(user_agent=CHROME), now=NOW)
    beginning = session_entry(session)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            storing.store([beginning])
            second = threads.submit(is_held_after_storing, beginning, session.session_id)
            until(waiting, "the second waits for the first", of=second)
        assert second.result() is False


def is_held_after_storing(beginning: Entry, session_id: UUID) -> bool:
    """Whether a transaction that stored a visit keeps others from changing it, over a connection of its own."""
    try:
        with transaction.atomic():
            storing.store([beginning])
            with ThreadPoolExecutor(1) as threads:
                return threads.submit(is_held, session_id).result()
    finally:
        connection.close()


def is_held(session_id: UUID) -> bool:
    """Whether somebody else has the row, over a connection of its own."""
    try:
        with transaction.atomic():
            VisitorSession.objects.select_for_update(nowait=True, no_key=True).get(pk=session_id)
        return False
    except OperationalError:
        return True
    finally:
        connection.close()


def begun_at_once() -> int:
    """The events that a visit says it has, of two: a flusher that is not dead stores its beginning and the first, and
    whoever took over from it both.
    """
    session = services.begin(arrival=Arrival(user_agent=CHROME), now=NOW)
    begun = [session_entry(session), event_entry(event("page_view"), session.session_id)]
    store_meanwhile(begun, [*begun, event_entry(event("add_to_cart"), session.session_id)])
    assert SessionEvent.objects.count() == 2
    return VisitorSession.objects.get().events_count


def store_meanwhile(first: list[Entry], second: list[Entry]) -> None:
    """The second while the first are stored but not committed."""
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            storing.store(first)
            again = threads.submit(store_elsewhere, second)
            until(waiting, "the second waits for the first", of=again)
        again.result()


def store_elsewhere(entries: list[Entry]) -> None:
    """Over a connection of its own."""
    try:
        storing.store(entries)
    finally:
        connection.close()


def test_what_is_stored_leaves_the_stream() -> None:
    visit(event("page_view"))
    ingest.flush(consumer="test")
    assert core_redis.client().xlen(state.STREAM) == 0


def test_what_a_dead_flusher_left_is_taken_over() -> None:
    visit(event("page_view"))
    core_redis.call(ingest.ensure_group)
    assert len(ingest.take_new("dead")) == 2
    ingest.flush(consumer="alive")
    assert SessionEvent.objects.count() == 1


def test_what_a_dead_flusher_left_is_stored_before_what_came_later() -> None:
    session = visit()
    core_redis.call(ingest.ensure_group)
    assert len(ingest.take_new("dead")) == 1
    services.see(session.session_id, events=[event("page_view")], now=NOW)
    ingest.flush(consumer="alive")
    assert SessionEvent.objects.count() == 1
    assert not DeadLetter.objects.exists()


def test_one_flusher_at_a_time() -> None:
    visit(event("page_view"))
    assert ingest.take_turn("first")
    assert ingest.flush(consumer="second") == 0
    ingest.end_turn("first")
    assert ingest.flush(consumer="second") == 2


def test_a_turn_that_took_too_long_does_not_end_the_next_ones() -> None:
    assert ingest.take_turn("first")
    core_redis.client().delete(ingest.TURN)
    assert ingest.take_turn("second")
    ingest.end_turn("first")
    assert not ingest.take_turn("third")


def test_a_batch_is_acknowledged_after_the_commit() -> None:
    visit(event("page_view"))
    with database_away(), pytest.raises(OperationalError):
        ingest.flush(consumer="test")
    assert core_redis.client().xlen(state.STREAM) == 2
    ingest.flush(consumer="test")
    assert (SessionEvent.objects.count(), core_redis.client().xlen(state.STREAM)) == (1, 0)


def test_a_full_batch_is_stored_and_acknowledged() -> None:
    session = visit()
    state.append([event_entry(event("page_view"), session.session_id) for _ in range(ingest.BATCH)])
    assert ingest.flush(consumer="test") == ingest.BATCH + 1
    assert (core_redis.client().xlen(state.STREAM), SessionEvent.objects.count()) == (0, ingest.BATCH)


def test_what_another_still_holds_is_not_trimmed_when_later_entries_are_acknowledged() -> None:
    visit(event("page_view"))
    core_redis.call(ingest.ensure_group)
    held = ingest.take_new("holds")
    visit(event("search"))
    ingest.acknowledge(ingest.take_new("goes on"))
    left = [entry_id for entry_id, _fields in core_redis.client().xrange(state.STREAM)]
    assert [entry_id for entry_id, _entry in held] == left[: len(held)]
    assert ingest.take_over("next") == held


def test_an_event_of_a_month_without_a_partition_makes_one() -> None:
    session = visit()
    ingest.flush(consumer="test")
    old = event("page_view")
    state.append([event_entry(replace(old, timestamp=datetime(2013, 5, 6, tzinfo=UTC)), session.session_id)])
    ingest.flush(consumer="test")
    assert SessionEvent.objects.get().timestamp.year == 2013
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("time", ["not a time", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "", None, 7])
def test_a_time_that_cannot_be_is_a_dead_letter_and_not_the_end_of_the_flusher(time: object) -> None:
    session = visit(event("page_view"))
    poison = event_entry(event("search"), session.session_id).fields | {"timestamp": time}
    state.append([Entry.of(Kind.EVENT, poison)])
    ingest.flush(consumer="test")
    assert SessionEvent.objects.count() == 1
    assert DeadLetter.objects.get().entry["timestamp"] == time


POISON = {
    "no JSON": b"\x1b[31mhello",
    "no UTF-8": b'{"session_id": "\xff\xfe"}',
    "a null byte": b'{"session_id": "\0"}',
    "an escaped null byte": b'{"session_id": "\\u0000"}',
    "half a character": b'{"session_id": "\\ud800"}',
    "a list": b"[1]",
    "null": b"null",
    "text": b'"x"',
    "nothing": b"{}",
    "no session": b'{"session_id": null}',
    "an arrival that is none": b'{"session_id": "x", "fills": true, "arrival": {"none": 1}}',
    "a touch that is none": b'{"session_id": "x", "fills": true, "arrival": 7}',
    "a huge number": b'{"session_id": 1%s}' % (b"0" * 5000),
    "no number": b'{"session_id": NaN}',
    "a tower": b'{"session_id": %s}' % (b"[" * 100_000 + b"]" * 100_000),
}


@pytest.mark.parametrize("kind", ["session", "event", "arrival", "\xff"])
@pytest.mark.parametrize("text", POISON.values(), ids=POISON)
def test_whatever_stands_in_the_stream_is_a_dead_letter_and_not_the_end_of_the_flusher(text: bytes, kind: str) -> None:
    session = visit(event("page_view"))
    core_redis.client().xadd(state.STREAM, {kind.encode("latin-1"): text})
    state.append([event_entry(event("search"), session.session_id)])
    ingest.flush(consumer="test")
    assert SessionEvent.objects.count() == 2
    assert DeadLetter.objects.count() == 1
    assert core_redis.client().xlen(state.STREAM) == 0


def test_of_what_is_no_json_the_text_is_kept() -> None:
    core_redis.client().xadd(state.STREAM, {"event": b"hello \xff\0"})
    ingest.flush(consumer="test")
    assert DeadLetter.objects.get().entry == "hello \\xff\\0"
    assert dead_letters.replay().failed == 1


def test_one_poisonous_event_loses_only_itself() -> None:
    session = visit(event("page_view"))
    poison = event_entry(event("search"), session.session_id).fields | {"timestamp": "not a time"}
    state.append([Entry.of(Kind.EVENT, poison), event_entry(event("add_to_cart"), session.session_id)])
    ingest.flush(consumer="test")
    assert sorted(SessionEvent.objects.values_list("event_type", flat=True)) == ["add_to_cart", "page_view"]
    assert DeadLetter.objects.get().entry["event_type"] == "search"


def test_an_event_of_no_session_beside_one_of_an_unknown_one_is_a_dead_letter_too() -> None:
    nobodys = event_entry(event("search"), uuid4()).fields | {"session_id": None}
    state.append([Entry.of(Kind.EVENT, nobodys), event_entry(event("search"), uuid4())])
    ingest.flush(consumer="test")
    assert [letter.error for letter in DeadLetter.objects.all()] == ["the session is unknown"] * 2


def test_where_a_visit_came_from_told_again_loses_no_later_touch() -> None:
    session = visit(event("page_view"))
    came = {"at": session.started_at.isoformat(), "channel": "e-mail", "utm_source": "news"}
    again = {"at": NOW.isoformat(), "channel": "social", "utm_source": "fb"}
    first, later = (
        Entry.of(Kind.ARRIVAL, {"arrival": touch, "fills": touch is came, "session_id": session.session_id.hex})
        for touch in (came, again)
    )
    state.append([first, later])
    ingest.flush(consumer="test")
    storing.store([first])
    assert VisitorSession.objects.get().touches == [came, again]


def test_an_event_of_an_unknown_session_becomes_a_dead_letter() -> None:
    state.append([event_entry(event("search"), uuid4())])
    ingest.flush(consumer="test")
    assert DeadLetter.objects.get().error == "the session is unknown"


def test_crawlers_copied_twice_are_counted_once() -> None:
    ingest.count_crawler(day="2026-11-20", views=3)
    ingest.flush(consumer="test")
    ingest.flush(consumer="test")
    assert CrawlerDay.objects.get().page_views == 3
