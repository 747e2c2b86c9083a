"""One visit, told from its rows, its live copy and the stream."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from core import redis as core_redis
from sessions_app import ingest, services, state, storing, timeline
from sessions_app.channels import Utm
from sessions_app.events import Event, Source
from sessions_app.models import ConsentRecord, DeadLetter, VisitorSession
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from sessions_app.tokens import sign
from tests.browsers import CHROME
from tests.factories import SessionEventFactory, VisitorSessionFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


def event(event_type: str = "page_view", *, after: float = 0, **fields: Any) -> Event:
    at = NOW + timedelta(seconds=after)
    return Event(event_type, Source.SCRIPT, at, **({"page": "/shop/"} | fields))


def visit(*events: Event) -> SessionState:
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/shop/", utm=Utm(source="letter"))
    return services.open_session(services.begin(arrival=arrival, now=NOW), events=events, now=NOW)


def stored_visit(*events: Event) -> SessionState:
    session = visit(*events)
    ingest.flush(consumer="test")
    return session


def inspect(session_id: object, *words: str) -> dict[str, Any]:
    stdout = StringIO()
    call_command("inspect_session", str(session_id), "--json", *words, stdout=stdout, stderr=StringIO())
    found: dict[str, Any] = json.loads(stdout.getvalue())
    return found


def told(session_id: object) -> str:
    stdout = StringIO()
    call_command("inspect_session", str(session_id), stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


def whats(found: dict[str, Any]) -> list[str]:
    return [moment["what"] for moment in found["timeline"]]


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))


def with_dashes(session_id: UUID) -> str:
    return str(session_id)


def without_dashes(session_id: UUID) -> str:
    return session_id.hex


def as_cookie(session_id: UUID) -> str:
    return sign(session_id, purpose="session")


def as_quoted_cookie(session_id: UUID) -> str:
    return f' "{as_cookie(session_id)}"\n'


@pytest.mark.parametrize("written", [with_dashes, without_dashes, as_cookie, as_quoted_cookie])
def test_a_visit_is_found_by_any_of_its_names(written: Any) -> None:
    session = stored_visit()
    assert inspect(written(session.session_id))["sessionId"] == str(session.session_id)


@pytest.mark.parametrize("text", ["", "nonsense", "x" * 5000, f"{uuid4().hex}:forged"], ids=len)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="neither the id of a visit"):
        inspect(text)


def test_a_visitors_cookie_is_no_sessions() -> None:
    with pytest.raises(CommandError, match="neither the id of a visit"):
        inspect(sign(stored_visit().session_id, purpose="visitor"))


def test_a_visit_that_nobody_knows_fails() -> None:
    session_id = uuid4()
    with pytest.raises(CommandError, match=f"No visit {session_id}") as caught:
        inspect(session_id)
    assert caught.value.returncode == 1


def test_events_stand_in_the_order_of_time() -> None:
    session = stored_visit(event("search", after=2), event("page_view"), event("add_to_cart", after=1))
    assert whats(inspect(session.session_id)) == ["visit began", "arrival", "page_view", "add_to_cart", "search"]


def test_what_was_seen_a_moment_before_the_visit_was_opened_comes_after_its_beginning() -> None:
    session = stored_visit(event("product_view", after=-0.2), event("page_view", after=-0.4))
    assert whats(inspect(session.session_id)) == ["visit began", "arrival", "page_view", "product_view"]


def test_an_event_tells_its_page_product_source_and_details() -> None:
    product_id = uuid4()
    session = stored_visit(event("add_to_cart", product_id=product_id, metadata={"quantity": 2}))
    found = inspect(session.session_id)["timeline"][-1]
    assert (found["page"], found["productId"], found["source"]) == ("/shop/", str(product_id), "script")
    assert found["details"] == {"quantity": 2}


def test_what_is_on_the_stream_still_is_not_stored_yet() -> None:
    session = stored_visit(event("page_view"))
    services.see(session.session_id, events=[event("search", after=1)], now=NOW)
    visit(event("page_view"))  # somebody else's is not this visit's
    found = inspect(session.session_id)
    assert [(moment["what"], moment["stored"]) for moment in found["timeline"][-2:]] == [
        ("page_view", True),
        ("search", False),
    ]
    assert "1 not stored yet" in told(session.session_id)


def test_a_visit_that_was_never_flushed_is_told_from_redis() -> None:
    session = visit(event("page_view"))
    found = inspect(session.session_id)
    assert found["stored"] is None
    assert found["live"]["landingPage"] == "/shop/"
    assert whats(found) == ["visit began", "page_view"]


def test_what_is_stored_and_not_acknowledged_stands_once() -> None:
    session = visit(event("page_view"))
    core_redis.call(ingest.ensure_group)
    storing.store_each([entry for _id, entry in ingest.take_new("dead")])
    assert whats(inspect(session.session_id)).count("page_view") == 1


def test_a_long_stream_is_looked_through_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "SCANNED_ENTRIES", 4)
    monkeypatch.setattr(timeline, "SCAN_STEP", 2)
    session = stored_visit()
    services.see(session.session_id, events=[event("search")], now=NOW)
    for _ in range(3):
        visit(event("page_view"))
    found = inspect(session.session_id)
    assert not found["streamScanned"]
    assert "search" not in whats(found)


def test_the_steps_of_the_scan_miss_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "SCAN_STEP", 2)
    session = stored_visit()
    for number in range(5):
        services.see(session.session_id, events=[event("search", after=number)], now=NOW)
    found = inspect(session.session_id)
    assert found["streamScanned"]
    assert whats(found).count("search") == 5


def test_an_entry_that_nobody_can_read_is_passed_over() -> None:
    session = stored_visit()
    for text in (f"not json {session.session_id.hex}", f'{{"session_id": "{session.session_id.hex}"}}'):
        core_redis.client().xadd(state.STREAM, {"event": text})
    assert whats(inspect(session.session_id)) == ["visit began", "arrival"]


def test_where_the_live_copy_is_ahead_is_shown() -> None:
    session = stored_visit(event("page_view"))
    services.see(session.session_id, events=[event("page_view", after=5)], now=NOW + timedelta(seconds=5))
    found = inspect(session.session_id)["differences"]
    assert found["scriptPageViews"] == {"stored": 1, "live": 2}
    assert set(found) == {"scriptPageViews", "lastSeenAt"}


def test_a_flushed_visit_differs_in_nothing() -> None:
    assert inspect(stored_visit(event("page_view")).session_id)["differences"] == {}


def test_touches_and_consent_are_milestones() -> None:
    session = stored_visit()
    ConsentRecord.objects.create(session_id=session.session_id, choice="granted", policy_version="3", created_at=NOW)
    found = {moment["what"]: moment for moment in inspect(session.session_id)["timeline"]}
    assert found["arrival"]["details"]["utm_source"] == "letter"
    assert found["consent granted"]["details"] == {"policy": "3"}
    assert found["consent granted"]["kind"] == "milestone"


def test_a_paid_order_is_told() -> None:
    order_id = uuid4()
    row = VisitorSessionFactory(order_id=order_id, converted=True, converted_at=NOW, started_at=NOW)
    found = inspect(row.pk)
    assert found["stored"]["orderId"] == str(order_id)
    assert found["timeline"][-1]["what"] == "order paid"


def test_dead_letters_of_the_visit_are_shown() -> None:
    session = stored_visit()
    entry = {"event_id": uuid4().hex, "session_id": session.session_id.hex, "event_type": "search"}
    DeadLetter.objects.create(entry=entry, error="no timestamp")
    [letter] = inspect(session.session_id)["deadLetters"]
    assert (letter["eventType"], letter["error"]) == ("search", "no timestamp")


def test_of_a_visit_without_a_row_dead_letters_alone_are_told() -> None:
    session_id = uuid4()
    DeadLetter.objects.create(entry={"event_id": uuid4().hex, "session_id": session_id.hex}, error="unknown")
    found = inspect(session_id)
    assert len(found["deadLetters"]) == 1
    assert found["ending"].startswith("not known")
    assert str(session_id) in told(session_id)


def test_of_many_events_the_newest_are_shown() -> None:
    row = VisitorSessionFactory(started_at=NOW, events_count=5)
    for number in range(5):
        SessionEventFactory(session=row, event_type=f"step_{number}", timestamp=NOW + timedelta(seconds=number))
    found = inspect(row.pk, "--events", "2")
    assert whats(found)[-2:] == ["step_3", "step_4"]
    assert found["eventsTotal"] == 5
    assert "step_2" not in whats(found)


def test_people_see_the_visit_without_what_steers_a_terminal() -> None:
    session = stored_visit(event("page_view", page="/\x1b[2Jshop/\n"))
    shown = told(session.session_id)
    assert f"Visit {session.session_id}" in shown
    assert "\x1b" not in shown


@pytest.mark.usefixtures("redis_away")
def test_without_redis_the_row_is_told_and_what_is_missing() -> None:
    row = VisitorSessionFactory(started_at=NOW)
    stderr = StringIO()
    call_command("inspect_session", str(row.pk), stdout=StringIO(), stderr=stderr)
    assert "Redis is away" in stderr.getvalue()


# How it ended -------------------------------------------------------------------------------------------------------


def ending(**fields: Any) -> str:
    row: VisitorSession = VisitorSessionFactory(**fields)
    return str(inspect(row.pk)["ending"])


def test_a_visit_just_seen_goes_on() -> None:
    assert ending(started_at=NOW) == "goes on"


def test_a_visit_long_not_seen_has_lapsed() -> None:
    assert ending(started_at=NOW - timedelta(hours=1)).startswith("lapsed 30 minutes after")


def test_the_live_copy_knows_of_a_later_sight() -> None:
    session = stored_visit()
    VisitorSession.objects.update(started_at=NOW - timedelta(hours=2), last_seen_at=NOW - timedelta(hours=1))
    assert inspect(session.session_id)["ending"] == "goes on"


def test_what_ended_before_it_could_lapse_was_ended_by_somebody() -> None:
    assert ending(started_at=NOW - timedelta(minutes=5), ended_at=NOW).startswith("ended by the visitor")


def test_how_an_old_visit_ended_is_not_written_down() -> None:
    old = NOW - timedelta(days=3)
    assert "not written down" in ending(started_at=old, ended_at=old)


def test_a_visit_of_a_whole_day_ended_by_its_length() -> None:
    begun = NOW - timedelta(days=3)
    assert "longest time" in ending(
        started_at=begun, last_seen_at=begun + timedelta(days=1), ended_at=begun + timedelta(days=1)
    )
