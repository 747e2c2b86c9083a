"""The breaker before Redis: nobody waits for a dead one again and again, and all processes hear of its return soon."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET

import pytest
from django.conf import LazySettings
from redis import Redis

from core import redis as core_redis
from core.redis import RedisAwayError
from tests.redis_server import RedisServer, own_redis

LONGER_SECONDS = 20


@pytest.fixture
def server(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis that the test may treat badly, looked for often."""
    monkeypatch.setattr(core_redis, "PAUSE_SECONDS", 0.05)
    with own_redis(settings) as own:
        yield own
        core_redis.breaker.was_away = False  # nobody looks for it any more,
        assert eventually(lambda: not core_redis.breaker.watched)  # nor in the next test


@pytest.fixture
def returns(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is told when Redis is back."""
    told: list[object] = []
    monkeypatch.setattr(core_redis.breaker, "on_return", [told.append])
    return told


def ping() -> object:
    return core_redis.call(lambda client: client.ping())


def eventually(ask: Callable[[], object]) -> bool:
    """Whether it comes to be so."""
    deadline = time.monotonic() + LONGER_SECONDS
    while not ask() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(ask())


def goes_and_comes(server: RedisServer) -> None:
    """Redis is killed, somebody asks it in vain, it is started again, and nobody asks."""
    ping()
    server.kill()
    with pytest.raises(RedisAwayError):
        ping()
    server.start()


def test_a_return_is_told_though_nobody_asks(server: RedisServer, returns: list[object]) -> None:
    goes_and_comes(server)
    assert eventually(lambda: returns)


def test_control_without_the_watch_it_is_not(
    server: RedisServer, returns: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_redis.Breaker, "watch", core_redis.Breaker.is_looked_for)
    goes_and_comes(server)
    time.sleep(1)
    assert returns == []
    core_redis.breaker.begin_unwatched()


def test_a_return_is_told_once(server: RedisServer, returns: list[object]) -> None:
    goes_and_comes(server)
    assert eventually(lambda: returns)
    ping()
    assert eventually(lambda: not core_redis.breaker.watched)
    assert len(returns) == 1


def unused_while_its_connection_died(server: RedisServer) -> None:
    """This thread's connection is closed by others, and was not used for a while."""
    ping()
    mine = core_redis.call(lambda client: client.client_id())
    with Redis.from_url(server.url) as other:
        other.client_kill_filter(_id=mine)
    core_redis.clients.used_at -= 2 * core_redis.QUIET_SECONDS


def test_a_connection_that_died_unused_is_replaced_and_redis_was_not_away(
    server: RedisServer, returns: list[object]
) -> None:
    unused_while_its_connection_died(server)
    assert ping()
    assert (core_redis.breaker.was_away, returns) == (False, [])


def test_control_without_a_look_at_it_redis_is_taken_for_away(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_redis, "replace_dead", lambda client: None)
    unused_while_its_connection_died(server)
    with pytest.raises(RedisAwayError):
        ping()


def test_one_that_died_in_use_tells_that_redis_was_away(server: RedisServer) -> None:
    ping()
    server.kill()
    server.start()
    with pytest.raises(RedisAwayError):
        ping()


def test_of_a_redis_that_hangs_it_says_that_it_has_not_answered(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    ping()
    server.hang()
    with pytest.raises(RedisAwayError):
        ping()
    assert "redis is away: it has not answered in time" in caplog.text


def test_an_answer_that_came_too_late_is_not_that_to_the_next_question(server: RedisServer) -> None:
    core_redis.call(lambda client: client.mset({"first": 1, "second": 2}))
    server.hang()
    with pytest.raises(RedisAwayError):
        core_redis.call(lambda client: client.get("first"))
    server.go_on()
    assert eventually(lambda: not core_redis.breaker.was_away)
    assert core_redis.call(lambda client: client.get("second")) == b"2"


def test_the_kernel_ends_the_waiting_and_python_asks_it_nothing(server: RedisServer, settings: LazySettings) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 1.5
    ping()
    sock = core_redis.clients.here.connection._sock
    limits = [struct.unpack("ll", sock.getsockopt(SOL_SOCKET, way, 16)) for way in (SO_RCVTIMEO, SO_SNDTIMEO)]
    assert (sock.gettimeout(), limits) == (None, [(1, 500_000)] * 2)
