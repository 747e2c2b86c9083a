"""What could not be stored is read, tried again, and never multiplied."""

import json
import threading
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import QuerySet

from sessions_app import dead_letters, storing
from sessions_app.entries import Entry, Kind
from sessions_app.models import DeadLetter, SessionEvent, VisitorSession
from sessions_app.services import Arrival, begin, session_entry
from tests.browsers import CHROME
from tests.factories import VisitorSessionFactory
from tests.world import together

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


def event_of(session_id: UUID, **changes: Any) -> dict[str, Any]:
    """The fields of an event's entry."""
    fields = {
        "event_id": uuid4().hex,
        "session_id": session_id.hex,
        "event_type": "search",
        "source": "script",
        "page": "/shop/",
        "product_id": None,
        "metadata": {"query": "mug"},
        "timestamp": NOW.isoformat(),
    }
    return fields | changes


def bury(fields: Any, error: str = "the session is unknown") -> DeadLetter:
    return DeadLetter.objects.create(entry=fields, error=error)


def visit(**fields: Any) -> VisitorSession:
    return VisitorSessionFactory(started_at=NOW, **fields)


def run(*words: str) -> str:
    stdout = StringIO()
    call_command("dead_letters", *words, stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


# Replay -------------------------------------------------------------------------------------------------------------


def test_an_event_whose_session_has_come_is_stored_and_leaves_the_list() -> None:
    session = visit()
    bury(event_of(session.pk))
    result = dead_letters.replay()
    assert (result.stored, result.failed) == (1, 0)
    assert SessionEvent.objects.get().session_id == session.pk
    assert not DeadLetter.objects.exists()


def test_a_stored_event_counts_in_its_session() -> None:
    session = visit(cart_additions=0)
    bury(event_of(session.pk, event_type="add_to_cart"))
    dead_letters.replay()
    session.refresh_from_db()
    assert session.cart_additions == 1


def test_an_event_of_a_month_without_events_is_stored_too() -> None:
    bury(event_of(visit().pk, timestamp="2019-05-06T07:08:09+00:00"))
    assert dead_letters.replay().stored == 1
    assert SessionEvent.objects.get().timestamp.year == 2019


@pytest.mark.parametrize("timestamp", ["2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", 7, None], ids=str)
def test_a_time_that_never_was_is_refused(timestamp: Any) -> None:
    bury(event_of(visit().pk, timestamp=timestamp))
    assert dead_letters.replay().failed == 1


def test_an_event_of_an_unknown_session_stays_the_one_letter_that_it_is() -> None:
    letter = bury(event_of(uuid4()), error="before")
    result = dead_letters.replay()
    assert (result.stored, result.failed) == (0, 1)
    assert DeadLetter.objects.get() == letter
    assert DeadLetter.objects.get().error == "the session is unknown"


def test_a_poisonous_event_stays_with_its_new_error() -> None:
    bury(event_of(visit().pk, timestamp="not a time"), error="before")
    assert dead_letters.replay().failed == 1
    assert "invalid input syntax" in DeadLetter.objects.get().error


@pytest.mark.parametrize("fields", [{}, [], "text", {"session_id": "no id"}, {"session_id": "5e55" * 8}], ids=str)
def test_a_letter_that_nobody_can_read_is_never_lost(fields: Any) -> None:
    bury(fields)
    assert dead_letters.replay().failed == 1
    assert DeadLetter.objects.count() == 1


def test_one_that_fails_does_not_hold_up_the_next() -> None:
    session = visit()
    bury(event_of(session.pk, timestamp="not a time"))
    bury(event_of(session.pk))
    result = dead_letters.replay()
    assert (result.stored, result.failed) == (1, 1)


def test_a_session_and_its_events_come_back_together() -> None:
    state = begin(arrival=Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/"), now=NOW)
    bury(session_entry(state).fields)
    bury(event_of(state.session_id))
    assert dead_letters.replay().stored == 2
    assert SessionEvent.objects.get().session_id == state.session_id


def test_a_session_of_a_customer_who_is_gone_stays() -> None:
    state = begin(arrival=Arrival(user_agent=CHROME), now=NOW)
    bury(session_entry(state).fields | {"customer_id": str(uuid4())})
    assert dead_letters.replay().failed == 1
    assert not VisitorSession.objects.exists()


def test_an_event_that_was_stored_meanwhile_is_not_stored_twice() -> None:
    session = visit()
    fields = event_of(session.pk)
    storing.store([Entry.of(Kind.EVENT, fields)])
    bury(fields)
    assert dead_letters.replay().stored == 1
    assert SessionEvent.objects.count() == 1


def test_a_limit_takes_the_oldest() -> None:
    session = visit()
    for _ in range(2):
        bury(event_of(session.pk))
    newest = bury(event_of(session.pk))
    assert dead_letters.replay(limit=2).stored == 2
    assert DeadLetter.objects.get() == newest


def test_a_death_in_the_middle_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    session = visit()
    bury(event_of(session.pk))
    bury(event_of(session.pk))
    settle = dead_letters.settle

    def dies_at_the_second(letter: DeadLetter) -> bool:
        stored = settle(letter)
        if SessionEvent.objects.count() == 2:
            raise KeyboardInterrupt
        return stored

    monkeypatch.setattr(dead_letters, "settle", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        dead_letters.replay()
    assert (SessionEvent.objects.count(), DeadLetter.objects.count()) == (1, 1)


@pytest.mark.usefixtures("crowd")
def test_two_replays_at_once_store_each_letter_once() -> None:
    session = visit()
    for _ in range(40):
        bury(event_of(session.pk))
    results = together(4, lambda _place: dead_letters.replay())
    assert sum(result.stored for result in results) == 40
    assert sum(result.failed for result in results) == 0
    assert SessionEvent.objects.count() == 40
    session.refresh_from_db()
    assert session.events_count == 1 + 40


@pytest.mark.usefixtures("crowd")
def test_control_without_its_locks_two_replays_store_a_letter_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without those of letters, that is: a visit is still held while one of its events is stored."""
    lock = QuerySet.select_for_update

    def lock_others(rows: QuerySet[Any], **options: Any) -> QuerySet[Any]:
        return rows if rows.model is DeadLetter else lock(rows, **options)

    gate, mine, settle = threading.Barrier(4), threading.local(), dead_letters.settle

    def when_all_have_read_one(letter: DeadLetter) -> bool:
        if not vars(mine):
            mine.first = letter
            gate.wait(20)
        return settle(letter)

    monkeypatch.setattr(QuerySet, "select_for_update", lock_others)
    monkeypatch.setattr(dead_letters, "settle", when_all_have_read_one)
    session = visit()
    for _ in range(40):
        bury(event_of(session.pk))
    results = together(4, lambda _place: dead_letters.replay())
    assert sum(result.stored for result in results) > 40


@pytest.mark.usefixtures("crowd")
def test_a_letter_that_another_replay_holds_is_left_to_it() -> None:
    session = visit()
    held = bury(event_of(session.pk))
    bury(event_of(session.pk))
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            DeadLetter.objects.select_for_update().get(pk=held.pk)
            taken.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(20)
    try:
        assert dead_letters.replay().tried == 1
    finally:
        done.set()
        thread.join(20)
    assert DeadLetter.objects.get() == held


# The command --------------------------------------------------------------------------------------------------------


def test_the_list_tells_what_and_why() -> None:
    session_id = uuid4()
    bury(event_of(session_id), error="the session is unknown")
    [letter] = json.loads(run("--json"))["letters"]
    assert (letter["eventType"], letter["sessionId"]) == ("search", str(session_id))
    assert letter["error"] == "the session is unknown"
    assert letter["entry"]["metadata"] == {"query": "mug"}


def test_people_get_a_table_without_what_steers_a_terminal() -> None:
    bury(event_of(uuid4(), event_type="\x1b[2Jsearch"))
    shown = run()
    assert "1 dead letters" in shown
    assert "\x1b" not in shown


def test_an_empty_list_says_so() -> None:
    assert run() == "There are no dead letters.\n"


def test_the_list_shows_the_newest_of_many() -> None:
    ids = [bury(event_of(uuid4())).pk for _ in range(3)]
    listed = json.loads(run("--json", "--limit", "2"))
    assert listed["total"] == 3
    assert [letter["id"] for letter in listed["letters"]] == [ids[2], ids[1]]


def test_a_replay_tells_its_counts() -> None:
    bury(event_of(visit().pk))
    told = json.loads(run("--replay", "--json"))
    assert (told["stored"], told["failed"], told["remaining"]) == (1, 0, 0)


def test_a_replay_that_leaves_something_fails() -> None:
    bury(event_of(uuid4()))
    with pytest.raises(CommandError, match="1 could not be stored") as caught:
        run("--replay")
    assert caught.value.returncode == 1


def test_ctrl_c_tells_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    bury(event_of(visit().pk))

    def interrupted(*_words: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(dead_letters, "settle", interrupted)
    with pytest.raises(CommandError, match="Stopped") as caught:
        run("--replay")
    assert caught.value.returncode == 130
    assert DeadLetter.objects.count() == 1


def test_letters_are_deleted_by_name() -> None:
    first, second = bury({}), bury({})
    run("--delete", str(first.pk))
    assert DeadLetter.objects.get() == second


def test_deleting_what_is_not_there_fails_and_deletes_the_rest() -> None:
    letter = bury({})
    with pytest.raises(CommandError, match=str(letter.pk + 1)):
        run("--delete", str(letter.pk), str(letter.pk + 1))
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(
    "words", [("--limit", "0"), ("--limit", "x"), ("--delete", "-1"), ("--replay", "--delete", "1")]
)
def test_nonsense_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*words)
