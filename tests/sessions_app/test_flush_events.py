"""The flusher by hand: `manage.py flush_events`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.clock import now
from core.redis import RedisAwayError
from sessions_app import ingest, services, storing
from sessions_app.events import Event, Source
from sessions_app.models import SessionEvent
from sessions_app.services import Arrival
from tests.browsers import CHROME
from tests.database import database_away

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def visit() -> None:
    """One, with one event: two entries of the stream."""
    begun = services.begin(arrival=Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/"), now=now())
    services.open_session(begun, events=[Event("page_view", Source.SCRIPT, now(), page="/x")], now=now())


def run(*words: str) -> str:
    """What the command prints."""
    stdout = StringIO()
    call_command("flush_events", *words, stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


def test_what_waits_is_stored_and_said() -> None:
    assert json.loads(run("--json")) == {"stored": 2, "stillWaiting": 0, "errors": {}}
    assert SessionEvent.objects.count() == 1


def test_run_again_it_has_nothing_to_do() -> None:
    run()
    assert json.loads(run("--json"))["stored"] == 0
    assert SessionEvent.objects.count() == 1


def test_while_another_flusher_is_at_it_what_waits_is_told() -> None:
    ingest.take_turn("the worker's")
    assert json.loads(run("--json")) == {"stored": 0, "stillWaiting": 2, "errors": {}}


def test_it_is_readable() -> None:
    said = run()
    assert "Stored" in said
    assert "Still waiting" in said


def test_what_was_not_stored_without_postgresql_is_stored_by_the_next() -> None:
    with database_away(), pytest.raises(CommandError, match="PostgreSQL cannot be asked") as caught:
        run()
    assert caught.value.returncode == 1
    assert json.loads(run("--json"))["stored"] == 2


def test_stopped_it_leaves_all_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_entries: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(storing, "store", stopped)
        with pytest.raises(CommandError, match="Stopped") as caught:
            run()
    assert caught.value.returncode == 130
    assert json.loads(run("--json"))["stored"] == 2


def test_without_redis_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_consumer: str) -> int:
        raise RedisAwayError

    monkeypatch.setattr(ingest, "flush", away)
    with pytest.raises(CommandError, match="Redis is away"):
        run()
