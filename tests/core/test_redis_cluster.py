"""Live state in a cluster of three nodes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from redis.exceptions import RedisClusterException

from analytics.dashboard.keeping import Drawn, keep, kept
from core import counts, measured, versioned
from core import redis as core_redis
from core.redis import RedisAwayError
from sessions_app import ingest
from sessions_app.models import SessionEvent, VisitorSession
from tests.redis_cluster import Cluster, cluster
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(autouse=True)
def in_cluster(nodes: Cluster, settings: LazySettings) -> Iterator[None]:
    """This process's live state is there."""
    before, core_redis.clients.here = core_redis.clients.here, None
    settings.REDIS_CLUSTER, settings.REDIS_URL = True, nodes.url
    core_redis.client().flushdb()
    yield
    core_redis.breaker.closed_after, core_redis.breaker.was_away = 0.0, False
    core_redis.clients.here = before


def test_a_visit_is_counted_and_stored(shopper: Shopper) -> None:
    views = {"events": [{"eventType": "page_view", "page": f"/{number}"} for number in range(3)]}
    assert shopper.post("/analytics/track", views).json()["accepted"] == 3
    ingest.flush(consumer="test")
    assert (VisitorSession.objects.get().page_views, SessionEvent.objects.count()) == (3, 3)


def test_a_shopper_buys_and_reads_the_order(billing: object, world: World, shopper: Shopper) -> None:
    order = shopper.order(world)
    for _again in range(2):
        assert shopper.get(f"/orders/{order.id}").status_code == 200


def test_things_that_lie_apart_are_read_together() -> None:
    ids = [uuid4() for _each in range(20)]
    found = versioned.bodies(
        "things", dict.fromkeys(ids, "1"), render=lambda ids: {id_: ("1", {}) for id_ in ids}, seconds=60
    )
    assert versioned.recall("things", dict.fromkeys(ids, "1")) == found


def test_tiles_counts_and_measures_are_kept() -> None:
    keep({"cards": Drawn("<p>", NOW)}, "place")
    counts.count("webhook", "unsigned", now=NOW)
    measured.observe(measured.JOBS, ("poll_billing", "done"), 0.1)
    measured.hand_over()
    assert kept(["cards"], "place")["cards"].html == "<p>"
    assert counts.counts("webhook", now=NOW)[NOW.date().isoformat()] == {"unsigned": 1}
    assert ("poll_billing", "done") in [each.labels for each in measured.series()]


@pytest.mark.parametrize("command", ["session_stats", "cache_stats"])
def test_commands_tell_of_it(shopper: Shopper, command: str) -> None:
    shopper.visit()
    call_command(command, "--json", stdout=(stdout := io.StringIO()))
    assert json.loads(stdout.getvalue())


def test_a_node_that_goes_is_redis_away(nodes: Cluster) -> None:
    with nodes.hanging(), pytest.raises(RedisAwayError):
        core_redis.call(lambda client: [client.get(f"key{number}") for number in range(20)])
    core_redis.breaker.closed_after = 0.0
    assert core_redis.call(lambda client: client.ping())


def test_a_script_with_keys_of_two_slots_is_refused() -> None:
    with pytest.raises(RedisClusterException, match="same key slot"):
        core_redis.ask(core_redis.client(), "EVAL", "return 1", 2, "a", "b")
