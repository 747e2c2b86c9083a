"""Figures come from a real streaming replica while that keeps up, and from the primary when it does not."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import time_machine
from django.conf import LazySettings
from django.db import OperationalError, connections
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from analytics.models import Annotation, DailyMetrics
from core.postgresql import replica
from core.postgresql.doubts import doubts
from core.postgresql.replica import PRIMARY, REPLICA, from_replica
from tests.analytics.days import DAY, at, computed, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.faults.conftest import standing_on
from tests.faults.proxy import Fault, FaultProxy
from tests.faults.replica import ReplicaServer, figures_at, forget, own_replica
from tests.faults.servers import own_postgres
from tests.promises.processes import LONG

pytestmark = pytest.mark.skipif(not LONG, reason="`make promises` does: its servers take long to start")
STATS = f"/api/v1/analytics/daily?from={DAY}&to={DAY}"


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[ReplicaServer]:
    """A replica of a primary that is this process's database, with a day of figures."""
    with ExitStack() as stack:
        primary = stack.enter_context(own_postgres())
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(standing_on(primary))
        own = stack.enter_context(own_replica(primary))
        purchase(visit(at(9), 30, device="mobile"), paid=at(9, 5))
        computed()
        yield own


@pytest.fixture
def proxy(server: ReplicaServer) -> Iterator[FaultProxy]:
    """The way to the replica, which has all that there is."""
    server.keeps_up()
    with FaultProxy(server.socket).running() as between, figures_at("127.0.0.1", between.port):
        yield between


@pytest.fixture(autouse=True)
def clock(settings: LazySettings) -> Iterator[None]:
    settings.DATABASE_REPLICA_LAG_SECONDS = 0
    with time_machine.travel(at(14), tick=False):
        yield


@pytest.fixture(scope="module")
def staff(server: ReplicaServer) -> Client:
    return logged_in(member("analytics.view_dailymetrics", "analytics.view_annotation", "analytics.add_annotation"))


def test_what_staff_change_they_see_changed(
    proxy: FaultProxy, server: ReplicaServer, staff: Client, settings: LazySettings
) -> None:
    """Though the replica knows nothing of it yet."""
    settings.DATABASE_REPLICA_LAG_SECONDS = 3600
    with server.standing_still():
        staff.post("/admin/dashboard/notes", {"day": DAY, "text": "Newspaper wrote of us"})
        assert "Newspaper wrote of us" in staff.get("/admin/?whole&period=28").content.decode()
    Annotation.objects.all().delete()


def test_a_day_that_is_computed_anew_is_told_anew(
    proxy: FaultProxy, server: ReplicaServer, staff: Client, settings: LazySettings
) -> None:
    settings.DATABASE_REPLICA_LAG_SECONDS = 3600
    address = f"/api/v1/analytics/metrics?date={DAY}"
    before = staff.get(address).json()["data"]["totalVisits"]
    with server.standing_still():
        visit(at(10))
        assert staff.get(address).json()["data"]["totalVisits"] == before
        assert staff.get(f"{address}&refresh=true").json()["data"]["totalVisits"] == before + 1


def test_a_replica_that_is_behind_is_not_asked(proxy: FaultProxy, server: ReplicaServer) -> None:
    assert found_at() == REPLICA
    with server.standing_still():
        forget()
        assert found_at() == REPLICA, "the primary is idle: there is nothing that it could be behind with"
        Annotation.objects.create(day=DAY, text="One more")
        forget()
        assert found_at() == PRIMARY
    server.keeps_up()
    forget()
    assert found_at() == REPLICA


def test_it_may_be_behind_for_as_long_as_the_setting_says(
    proxy: FaultProxy, server: ReplicaServer, settings: LazySettings
) -> None:
    settings.DATABASE_REPLICA_LAG_SECONDS = 3600
    with server.standing_still():
        Annotation.objects.create(day=DAY, text="One more")
        assert found_at() == REPLICA


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.RESET, Fault.HANG])
def test_a_replica_that_is_away_is_not_asked_and_shoppers_feel_nothing(
    proxy: FaultProxy, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "ANSWER_SECONDS", 0.3)
    assert found_at() == REPLICA
    with proxy.broken(fault):
        replica.fitness.known_until = 0.0
        assert (found_at(), doubts.arisen) == (PRIMARY, False)
    forget()
    assert found_at() == REPLICA


def test_one_that_goes_while_it_is_asked_costs_no_answer(proxy: FaultProxy, staff: Client) -> None:
    replica.fitness.ask()
    replica.fitness.known_until = float("inf")
    with proxy.broken(Fault.REFUSE):
        assert staff.get(STATS).status_code == 200
    assert not replica.fitness.fit


def test_control_asked_there_alone_the_answer_is_lost(proxy: FaultProxy) -> None:
    with proxy.broken(Fault.REFUSE), pytest.raises(replica.FailedThereError), replica.at(REPLICA):
        DailyMetrics.objects.exists()


def test_a_statement_that_takes_too_long_is_not_asked_twice(proxy: FaultProxy) -> None:
    @from_replica
    def slow() -> None:
        with connections[replica.place.alias].cursor() as cursor:
            cursor.execute("SET statement_timeout = 10")
            cursor.execute("SELECT pg_sleep(10)")

    with pytest.raises(OperationalError, match="statement timeout"):
        slow()
    assert replica.fitness.fit


def test_a_server_that_is_none_is_not_asked(server: ReplicaServer, caplog: pytest.LogCaptureFixture) -> None:
    with figures_at(str(server.primary.folder)):
        assert found_at() == PRIMARY
    assert "leads to no replica" in caplog.text


def test_once_it_is_started_again_it_is_asked_again(server: ReplicaServer) -> None:
    with figures_at(str(server.folder)):
        server.stop(signal.SIGQUIT)
        assert found_at() == PRIMARY
        server.start()
        server.keeps_up()
        forget()
        assert found_at() == REPLICA


@from_replica
def found_at() -> str:
    """Where figures are read."""
    assert DailyMetrics.objects.exists()
    return DailyMetrics.objects.all().db
