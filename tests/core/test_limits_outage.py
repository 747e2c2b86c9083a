"""Redis is away: browsing is open, what could be tried out stays limited, and nothing is doubled afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import RequestFactory

from core import limits
from core.clock import now
from core.models import LimitWindow
from core.tasks import forget_limits
from tests.core.limited import HERE, Caller, count_request, limit
from tests.database import database_away
from tests.redis_server import RedisServer, ask_again, own_redis

pytestmark = pytest.mark.django_db(transaction=True)
NOBODYS = "/api/v1/orders/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def server(settings: LazySettings) -> Iterator[RedisServer]:
    """A Redis that the test may treat badly."""
    with own_redis(settings) as own:
        yield own


def pass_of(number: int, *names: str) -> int:
    """How many of so many requests are not refused."""
    request = RequestFactory().get("/", REMOTE_ADDR=HERE)
    counted = [count_request(request, *names) for _ in range(number)]
    return len([each for each in counted if each is None or not each.refused])


def test_browsing_and_tracking_are_open(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, general="1/minute", track="1/minute", initiate="1/5minute")
    server.kill()
    caller = Caller()
    answers = [caller.get() for _ in range(3)] + [caller.initiate() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 400]
    assert "RateLimit" not in answers[0].headers
    assert pass_of(3, "track") == 3
    assert not LimitWindow.objects.exists()


@pytest.mark.parametrize("name", ["coupon", "confirm", "login", "order_lookup", "register", "password_reset"])
def test_what_could_be_tried_out_stays_limited(settings: LazySettings, server: RedisServer, name: str) -> None:
    limit(settings, **{name: "3/minute"})
    server.kill()
    assert pass_of(10, "general", name) == 3


def test_logins_by_e_mail_address_stay_limited(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, login_email="1/minute")
    server.kill()
    limits.hit("login_email", "ada@example.com", address=HERE, endpoint="/login")
    with pytest.raises(limits.RateLimitedError) as caught:
        limits.hit("login_email", "ADA@example.com", address=HERE, endpoint="/login")
    assert caught.value.counted.seconds in (59, 60)
    limits.hit("login_email", "bob@example.com", address=HERE, endpoint="/login")


def test_over_http_the_answer_is_the_same_as_ever(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, order_lookup="1/minute")
    server.kill()
    found, refused = (Caller().get(NOBODYS, **{"x-order-token": "guess"}) for _ in range(2))
    assert (found.status_code, refused.status_code, refused.json()["error"]) == (404, 429, "RATE_LIMITED")
    assert refused["RateLimit-Policy"] == '"order_lookup";q=1;w=60'
    assert refused["Retry-After"] in ("59", "60")


def test_a_redis_that_hangs_is_away_too(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, coupon="3/minute")
    server.hang()
    assert pass_of(10, "coupon") == 3


def test_back_again_redis_goes_on_where_it_was(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, coupon="3/minute")
    passed = [pass_of(2, "coupon")]
    server.write_down()
    server.kill()
    passed.append(pass_of(10, "coupon"))
    server.start()
    ask_again()
    passed.append(pass_of(10, "coupon"))
    assert passed == [2, 3, 1], "twice the limit at most, however often Redis comes and goes in a window"


def test_going_away_again_in_the_same_window_gives_nothing(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, coupon="3/minute")
    server.kill()
    assert pass_of(5, "coupon") == 3
    server.start()
    ask_again()
    assert pass_of(5, "coupon") == 3
    server.kill()
    ask_again()
    assert pass_of(5, "coupon") == 0


def test_a_window_of_postgresql_ends_as_well(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, coupon="2/minute")
    server.kill()
    assert pass_of(5, "coupon") == 2
    LimitWindow.objects.update(ends_at=now() - timedelta(seconds=1))
    assert pass_of(5, "coupon") == 2
    assert LimitWindow.objects.get().used == 5


def test_a_request_does_not_prolong_a_window_of_postgresql(settings: LazySettings, server: RedisServer) -> None:
    limit(settings, coupon="2/minute")
    server.kill()
    pass_of(1, "coupon")
    ends = LimitWindow.objects.get().ends_at
    pass_of(3, "coupon")
    assert LimitWindow.objects.get().ends_at == ends


def test_ended_windows_are_deleted_by_a_job() -> None:
    for minutes in (-2, -1, 1):
        LimitWindow.objects.create(key=f"coupon:{minutes}", used=1, ends_at=now() + timedelta(minutes=minutes))
    assert forget_limits() == 2
    assert LimitWindow.objects.get().key == "coupon:1"


def test_a_count_cannot_be_taken_back_by_a_transaction(settings: LazySettings, server: RedisServer) -> None:
    limit(settings)
    server.kill()
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        limits.hit("login_email", "ada@example.com", address=HERE, endpoint="/login")


def test_without_postgresql_either_the_shop_is_not_ready(settings: LazySettings, server: RedisServer) -> None:
    limit(settings)
    server.kill()
    caller = Caller()
    with database_away():
        answer = caller.get(NOBODYS, **{"x-order-token": "guess"})
    assert (answer.status_code, answer.json()["error"]) == (503, "NOT_READY")


def test_a_digest_is_all_that_postgresql_holds(settings: LazySettings, server: RedisServer) -> None:
    limit(settings)
    server.kill()
    limits.hit("login_email", "ada@example.com", address=HERE, endpoint="/login")
    pass_of(1, "login")
    for window in LimitWindow.objects.all():
        assert HERE not in window.key
        assert "ada" not in window.key
