"""Redis goes away and comes back: the visit goes on, and what Redis held meanwhile is not believed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from pytest_django import DjangoAssertNumQueries

from core import redis as core_redis
from sessions_app import ingest, services, state
from sessions_app.events import Event, Source
from sessions_app.models import Consent, SessionEvent, VisitorSession
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from tests.browsers import CHROME
from tests.redis_server import RedisServer, ask_again, own_redis

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def server(settings: LazySettings) -> Iterator[RedisServer]:
    """A Redis that the test may treat badly."""
    with own_redis(settings) as own:
        yield own


def begin(*events: Event) -> SessionState:
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    return services.open_session(services.begin(arrival=arrival, now=NOW), events=events, now=NOW)


def view() -> Event:
    return Event("page_view", Source.SCRIPT, NOW, page="/")


def outlives(server: RedisServer, session: SessionState) -> None:
    """Kills Redis, clears the session, starts Redis with its old copy."""
    server.kill()
    services.clear(session, now=LATER)
    server.start()
    assert server.holds(state.key(session.session_id))
    ask_again()


def test_a_session_cleared_while_redis_was_killed_stays_cleared(server: RedisServer) -> None:
    session = begin()
    outlives(server, session)
    assert services.see(session.session_id, now=LATER) is None


def test_control_without_the_epoch_the_old_copy_would_be_believed(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_redis.breaker, "on_return", [])
    session = begin()
    outlives(server, session)
    assert services.see(session.session_id, now=LATER) is not None


def test_a_choice_made_while_redis_hung_holds(server: RedisServer) -> None:
    session = begin()
    ingest.flush(consumer="test")
    server.hang()
    services.choose_consent(session, granted=True, arrival=Arrival(user_agent=CHROME), now=LATER)
    server.go_on()
    ask_again()
    seen = services.see(session.session_id, now=LATER)
    assert seen is not None
    assert seen.consent == Consent.GRANTED


def test_the_visit_goes_on_while_redis_is_away_and_every_view_counts(server: RedisServer) -> None:
    session = begin(view())
    ingest.flush(consumer="test")
    server.kill()
    away = services.see(session.session_id, events=[view()], now=LATER)
    server.start()
    ask_again()
    back = services.see(session.session_id, events=[view()], now=LATER)
    ingest.flush(consumer="test")
    assert away is not None
    assert back is not None
    assert (away.page_views, back.page_views) == (2, 3)
    assert SessionEvent.objects.count() == 3
    assert VisitorSession.objects.get().page_views == 3


def die(server: RedisServer) -> None:
    """It is killed, which is noticed, and starts on what it wrote down."""
    server.kill()
    with pytest.raises(core_redis.RedisAwayError):
        ingest.flush(consumer="test")
    server.start()
    ask_again()


def stored_after_a_death(server: RedisServer) -> int:
    """How many of two events are stored that Redis had accepted when it was killed."""
    begin(view(), view())
    die(server)
    ingest.flush(consumer="test")
    return SessionEvent.objects.count()


def test_what_redis_accepted_outlives_kill_9(server: RedisServer) -> None:
    assert stored_after_a_death(server) == 2


def test_control_without_its_file_it_is_lost(server: RedisServer) -> None:
    server.append_only = False
    die(server)
    assert stored_after_a_death(server) == 0


def test_a_visit_that_postgresql_does_not_know_yet_is_believed(server: RedisServer) -> None:
    session = begin(view())
    server.hang()
    with pytest.raises(core_redis.RedisAwayError):
        core_redis.call(lambda client: client.ping())
    server.go_on()
    ask_again()
    seen = services.see(session.session_id, now=LATER)
    assert seen is not None
    assert seen.page_views == 1


def test_nobody_heard_for_a_while_is_an_outage_too() -> None:
    session = begin()
    ingest.flush(consumer="test")
    VisitorSession.objects.update(ended_at=LATER)  # by a process that could not reach Redis
    core_redis.client().hincrby(state.GUARD_KEY, "heard", -10)
    assert services.see(session.session_id, now=LATER) is None


def test_a_visit_looked_up_after_an_outage_is_looked_up_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    session = begin()
    ingest.flush(consumer="test")
    state.begin_epoch(core_redis.client())
    services.see(session.session_id, now=LATER)
    with django_assert_num_queries(0):
        assert services.see(session.session_id, now=LATER) is not None
