"""An order of a visit: its event, and the live copy, in one trip to Redis once it is committed."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.test import TestCase

from core import redis as core_redis
from core.ids import new_id
from sessions_app import ingest, services, state
from sessions_app.models import SessionEvent
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from tests.browsers import CHROME

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
ORDER = new_id()


@pytest.fixture
def session() -> SessionState:
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    return services.open_session(services.begin(arrival=arrival, now=NOW), events=[], now=NOW)


def order(session_id: UUID) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        services.mark_ordered(session_id=session_id, order_id=ORDER)


def events() -> list[str]:
    ingest.flush(consumer="test")
    return list(SessionEvent.objects.values_list("event_type", flat=True))


def test_the_live_copy_knows_the_order_and_the_event_is_on_its_way(session: SessionState) -> None:
    order(session.session_id)
    seen = services.see(session.session_id, now=NOW)
    assert (seen and seen.order_id, events()) == (ORDER, ["order_placed"])


def test_both_take_one_trip(session: SessionState, monkeypatch: pytest.MonkeyPatch) -> None:
    trips, call = Counter[str](), core_redis.call

    def counted(work: Callable[[core_redis.Client], object]) -> object:
        trips["to Redis"] += 1
        return call(work)

    monkeypatch.setattr(core_redis, "call", counted)
    order(session.session_id)
    assert trips == {"to Redis": 1}


def test_a_visit_that_redis_does_not_know_stays_unknown() -> None:
    unknown = uuid4()
    order(unknown)
    assert not core_redis.client().exists(state.key(unknown))


def test_when_the_stream_is_full_the_live_copy_knows_it_and_the_event_is_stored(
    session: SessionState, settings: LazySettings
) -> None:
    ingest.flush(consumer="test")
    settings.EVENT_STREAM_LIMIT = 0
    order(session.session_id)
    seen = services.see(session.session_id, now=NOW)
    assert (seen and seen.order_id, SessionEvent.objects.get().event_type) == (ORDER, "order_placed")
