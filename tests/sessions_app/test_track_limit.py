"""The limit of track, counted in the trip to Redis that a visit's events take."""

from typing import Any

import pytest
from django.conf import LazySettings

from core import limits
from core import redis as core_redis
from core.clock import now
from core.limits import windows
from sessions_app.state import STREAM
from tests.core.limited import Caller, limit
from tests.world import together

pytestmark = pytest.mark.django_db(transaction=True)
TRACK = "/api/v1/analytics/track"
VIEW = {"eventType": "page_view", "page": "/"}
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def known(caller: Caller) -> Caller:
    """With a session, begun by another call than track."""
    caller.client.get("/api/v1/storefront/session/current")
    return caller


def left(answer: Any) -> int:
    return int(answer["X-RateLimit-Remaining"])


def kept() -> int:
    """Events of the script in the stream."""
    entries: Any = core_redis.client().xrange(STREAM)
    return sum(b'"source": "script"' in text for _id, fields in entries for text in fields.values())


@pytest.mark.parametrize(
    ("caller", "body", "status"),
    [
        (lambda: known(Caller()), VIEW, 202),
        (Caller, VIEW, 202),
        (lambda: Caller(**{"x-visitor-session": "forged"}), VIEW, 202),
        (lambda: known(Caller()), {"events": []}, 400),
        (lambda: Caller(**{"user-agent": CRAWLER}), VIEW, 202),
    ],
    ids=["known visit", "new visit", "forged token", "nothing that can be taken", "crawler"],
)
def test_each_request_is_counted_once(settings: LazySettings, caller: Any, body: Any, status: int) -> None:
    limit(settings, track="10/minute")
    answer = caller().post(TRACK, body)
    assert (answer.status_code, left(answer)) == (status, 9)


def test_a_request_too_many_leaves_no_event(settings: LazySettings) -> None:
    limit(settings, track="1/minute")
    caller = known(Caller())
    assert [caller.post(TRACK, VIEW).status_code for _ in range(3)] == [202, 429, 429]
    assert kept() == 1


def test_a_request_too_many_is_told_by_its_endpoint(settings: LazySettings) -> None:
    limit(settings, track="1/minute")
    caller = known(Caller())
    for _ in range(3):
        caller.post(TRACK, VIEW)
    (day,) = limits.refusals(now=now()).values()
    assert day == {"track": {TRACK: 2}}


def test_a_visit_is_not_begun_by_a_request_too_many(settings: LazySettings) -> None:
    limit(settings, track="1/minute")
    Caller().post(TRACK, VIEW)
    answer = Caller().post(TRACK, VIEW)
    assert answer.status_code == 429
    assert "visitor_session" not in answer.cookies


def test_a_visit_that_redis_lost_is_counted_once_on_its_way_back(settings: LazySettings) -> None:
    limit(settings, track="10/minute")
    caller = known(Caller())
    assert left(caller.post(TRACK, VIEW)) == 9
    core_redis.client().delete(*core_redis.client().keys("session:*"))
    assert left(caller.post(TRACK, VIEW)) == 8


def test_of_many_at_once_exactly_the_limit_passes_and_is_kept(settings: LazySettings) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 10
    limit(settings, track="20/minute")
    caller = known(Caller())
    answers = together(60, lambda _place: caller.post(TRACK, VIEW).status_code)
    assert (answers.count(202), answers.count(429), kept()) == (20, 40, 20)


def test_control_where_the_script_does_not_refuse_more_is_kept(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_TIMEOUT_SECONDS = 10
    limit(settings, track="20/minute")
    caller = known(Caller())
    monkeypatch.setattr(windows, "words_of", lambda counters, endpoint: [10**9, 60_000, "track", 60])
    together(60, lambda _place: caller.post(TRACK, VIEW))
    assert kept() > 20
