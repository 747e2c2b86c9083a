"""What `session_stats` says of sessions, the stream and Redis."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from config.embedded import PROJECT
from core import redis as core_redis
from core import redis_stats
from sessions_app import ingest, live_stats, services, state
from sessions_app.events import Event, Source
from sessions_app.models import CrawlerDay, DeadLetter
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from tests.browsers import CHROME
from tests.factories import VisitorSessionFactory
from tests.promises.processes import environment

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari"


def visit(*, ago: timedelta = timedelta(), agent: str = CHROME, consent: str = "unknown") -> SessionState:
    """A visit that was last seen so long ago, with one event on the stream."""
    at = datetime.now(UTC) - ago
    begun = services.begin(arrival=Arrival(ip="203.0.113.9", user_agent=agent, consent=consent), now=at)
    return services.open_session(begun, events=[Event("page_view", Source.SCRIPT, at, page="/")], now=at)


def stats() -> dict[str, Any]:
    stdout = StringIO()
    call_command("session_stats", "--json", stdout=stdout)
    found: dict[str, Any] = json.loads(stdout.getvalue())
    return found


def table() -> str:
    stdout = StringIO()
    call_command("session_stats", stdout=stdout)
    return stdout.getvalue()


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))


def test_an_empty_shop_has_figures_too() -> None:
    found = stats()["redis"]
    assert found["activeSessions"] == {"30m": 0, "5m": 0, "1m": 0}
    assert found["stream"] == {
        "length": 0, "waiting": 0, "pending": 0, "oldestSeconds": None, "oldestPendingSeconds": None, "consumers": []
    }  # fmt: skip


def test_sessions_count_by_when_they_were_last_seen() -> None:
    for minutes in (0, 2, 20, 40):
        visit(ago=timedelta(minutes=minutes))
    assert stats()["redis"]["activeSessions"] == {"30m": 3, "5m": 2, "1m": 1}


def test_live_sessions_by_device_type_and_consent() -> None:
    visit(agent=PHONE, consent="granted")
    visit(agent=PHONE)
    visit()
    assert stats()["redis"]["sample"] == {
        "size": 3,
        "total": 3,
        "device": {"mobile": 2, "desktop": 1},
        "type": {"anonymous": 3},
        "consent": {"unknown": 2, "granted": 1},
    }


def test_many_sessions_are_sampled_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stats, "SAMPLED_SESSIONS", 4)
    for _ in range(6):
        visit()
    sample = stats()["redis"]["sample"]
    assert (sample["size"], sample["total"]) == (4, 6)
    assert "of 4 picked at random" in table()


def test_a_session_without_its_hash_is_left_out_of_the_sample() -> None:
    core_redis.client().delete(state.key(visit().session_id))
    assert stats()["redis"]["sample"]["size"] == 0


def test_what_waits_and_what_was_taken() -> None:
    visit()
    visit()
    core_redis.call(ingest.ensure_group)
    core_redis.client().xreadgroup(ingest.GROUP, "dead", {state.STREAM: ">"}, count=3)
    stream = stats()["redis"]["stream"]
    assert (stream["length"], stream["waiting"], stream["pending"]) == (4, 1, 3)
    assert 0 <= stream["oldestPendingSeconds"] < 60
    assert [(one["name"], one["pending"]) for one in stream["consumers"]] == [("dead", 3)]


def test_what_was_stored_waits_no_more() -> None:
    visit()
    ingest.flush(consumer="test")
    stream = stats()["redis"]["stream"]
    assert (stream["length"], stream["pending"], stream["oldestSeconds"]) == (0, 0, None)


def test_keys_by_prefix_with_their_memory() -> None:
    visit()
    visit()
    keys = stats()["redis"]["keys"]
    found = {prefix["name"]: prefix["keys"] for prefix in keys["prefixes"]}
    assert (found["session"], found["sessions"], found["events"]) == (2, 1, 1)
    assert keys["complete"]
    assert all(prefix["bytes"] > 0 for prefix in keys["prefixes"])


def test_many_keys_are_estimated_from_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_stats, "SCANNED_KEYS", 100)
    monkeypatch.setattr(redis_stats, "SCAN_STEP", 100)
    client = core_redis.client()
    for number in range(2_000):
        client.set(f"cache:{number}", "x" * 100)
    keys = stats()["redis"]["keys"]
    assert not keys["complete"]
    assert keys["lookedAt"] < keys["total"] == 2_000
    assert keys["prefixes"][0]["name"] == "cache"
    assert keys["prefixes"][0]["keys"] == 2_000
    assert "2,000 keys: estimates from" in table()


def test_many_prefixes_end_in_the_rest() -> None:
    for number in range(redis_stats.SHOWN_PREFIXES + 5):
        core_redis.client().set(f"prefix{number}:x", "y")
    names = [prefix["name"] for prefix in stats()["redis"]["keys"]["prefixes"]]
    assert len(names) == redis_stats.SHOWN_PREFIXES + 1
    assert names[-1] == redis_stats.REST


def test_keys_that_are_no_text_are_counted_too() -> None:
    core_redis.client().set(b"\xff\xfe", "x")
    core_redis.client().set(b":", "x")
    assert stats()["redis"]["keys"]["total"] == 2


def test_redis_says_who_it_is() -> None:
    server = stats()["redis"]["server"]
    assert server["name"] in ("valkey", "redis")
    assert server["version"][0].isdigit()
    assert server["memoryBytes"] > 0


def test_an_append_only_file_that_is_off_is_said_aloud() -> None:
    server = redis_stats.server()
    assert ("OFF" in table()) is not server.append_only


def test_dead_letters_and_crawlers_of_today_are_counted() -> None:
    DeadLetter.objects.create(entry={}, error="x")
    today = datetime.now(UTC).date()
    CrawlerDay.objects.create(day=today, source="api", page_views=7)
    CrawlerDay.objects.create(day=today - timedelta(days=1), source="api", page_views=5)
    found = stats()["postgresql"]
    assert (found["deadLetters"], found["crawlerViewsToday"]) == (1, 7)


@pytest.mark.usefixtures("redis_away")
def test_without_redis_there_is_what_postgresql_knows_and_it_fails() -> None:
    VisitorSessionFactory(visitor_id=uuid4(), started_at=datetime.now(UTC))
    stdout = StringIO()
    with pytest.raises(CommandError, match="Redis is away") as caught:
        call_command("session_stats", stdout=stdout)
    assert caught.value.returncode == 1
    assert "Sessions seen in the last 30 minutes" in stdout.getvalue()


@pytest.mark.usefixtures("redis_away")
def test_without_redis_machines_are_told_too() -> None:
    stdout = StringIO()
    with pytest.raises(CommandError):
        call_command("session_stats", "--json", stdout=stdout)
    found = json.loads(stdout.getvalue())
    assert found["redis"] is None
    assert found["postgresql"]["activeSessions"] == {"30m": 0, "5m": 0, "1m": 0}


def test_looking_changes_nothing() -> None:
    visit()
    before = sorted(core_redis.client().keys())
    stats()
    assert sorted(core_redis.client().keys()) == before
    assert core_redis.client().xinfo_groups(state.STREAM) == []


def test_what_is_logged_is_not_among_what_is_printed() -> None:
    away = environment() | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    words = [sys.executable, "manage.py", "session_stats", "--json"]
    done = subprocess.run(words, cwd=PROJECT, env=away, capture_output=True, text=True)
    assert json.loads(done.stdout)["redis"] is None
    assert "redis is away" in done.stderr
