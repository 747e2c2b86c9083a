"""When a visit ends."""

from datetime import UTC, datetime, timedelta

import pytest

from core import redis as core_redis
from sessions_app import ingest, lapsed, services, storing
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import VisitorSession
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from tests.browsers import CHROME

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def begin(at: datetime = NOW) -> SessionState:
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    return services.open_session(services.begin(arrival=arrival, now=at), events=[], now=at)


@pytest.mark.parametrize(("minutes", "alive"), [(29, True), (30, False)])
def test_a_gap_of_30_minutes_ends_it(minutes: int, alive: bool) -> None:
    session = begin()
    assert (services.see(session.session_id, now=NOW + timedelta(minutes=minutes)) is not None) is alive


def test_24_hours_end_it_however_busy() -> None:
    session = begin()
    for step in range(1, 72):
        assert services.see(session.session_id, now=NOW + timedelta(minutes=20 * step)) is not None
    assert services.see(session.session_id, now=NOW + timedelta(hours=24)) is None


def test_a_lapsed_session_ended_when_it_was_last_seen() -> None:
    session = begin(NOW - timedelta(hours=2))
    seen = NOW - timedelta(hours=2) + timedelta(minutes=7)
    services.see(session.session_id, now=seen)
    ingest.flush(consumer="test")
    assert lapsed.close_lapsed(now=NOW) == 1
    row = VisitorSession.objects.get()
    assert abs(row.last_seen_at - seen) < timedelta(milliseconds=1)
    assert row.ended_at == row.last_seen_at


def test_its_end_is_known_to_the_second_though_much_is_asked_at_once() -> None:
    begun = (NOW - timedelta(hours=2)).replace(microsecond=0)
    session = begin(begun)
    last = begun + timedelta(seconds=4.8)
    for tenths in range(3, 49, 3):
        services.see(session.session_id, now=begun + timedelta(seconds=tenths / 10))
    ingest.flush(consumer="test")
    assert lapsed.close_lapsed(now=NOW) == 1
    assert timedelta() <= last - VisitorSession.objects.get().last_seen_at < timedelta(seconds=1)


def test_an_event_after_the_end_does_not_reopen_it() -> None:
    session = begin(NOW - timedelta(hours=2))
    ingest.flush(consumer="test")
    lapsed.close_lapsed(now=NOW)
    event = Event("search", Source.SCRIPT, NOW)
    storing.store([event_entry(event, session.session_id)])
    row = VisitorSession.objects.get()
    assert row.ended_at == row.last_seen_at
    assert row.events_count == 1


def test_a_visit_that_only_redis_saw_go_on_is_not_closed() -> None:
    begun = NOW - timedelta(minutes=45)
    session = begin(begun)
    ingest.flush(consumer="test")
    for minutes in (20, 40):  # requests that leave no event: checkout, asking how an order stands
        services.see(session.session_id, now=begun + timedelta(minutes=minutes))
    assert lapsed.close_lapsed(now=NOW) == 0
    row = VisitorSession.objects.get()
    assert row.ended_at is None
    assert abs(row.last_seen_at - (begun + timedelta(minutes=40))) < timedelta(milliseconds=1)


def test_a_live_visit_among_lapsed_ones_stays_open() -> None:
    begun = NOW - timedelta(minutes=45)
    live, gone = begin(begun), begin(begun)
    ingest.flush(consumer="test")
    for minutes in (20, 40):
        services.see(live.session_id, now=begun + timedelta(minutes=minutes))
    assert lapsed.close_lapsed(now=NOW) == 1
    assert VisitorSession.objects.exclude(ended_at=None).get().pk == gone.session_id


def test_a_visit_that_redis_lost_ends_with_what_its_row_knows() -> None:
    begin(NOW - timedelta(hours=2))
    ingest.flush(consumer="test")
    core_redis.client().flushdb()
    assert lapsed.close_lapsed(now=NOW) == 1


def test_while_redis_is_away_no_visit_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(NOW - timedelta(hours=2))
    ingest.flush(consumer="test")
    with monkeypatch.context() as outage:
        outage.setattr(core_redis.breaker, "closed_after", float("inf"))
        assert lapsed.close_lapsed(now=NOW) == 0
    assert lapsed.close_lapsed(now=NOW) == 1
