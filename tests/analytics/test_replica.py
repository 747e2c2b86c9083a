"""Which questions of staff go to the replica. Here it is the same server, which is believed to be one; a real one, and
what happens when that is late or away: tests/faults/test_replica.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client

from analytics.dashboard.tiles import TILES
from analytics.urls import urlpatterns
from core.postgresql import replica
from core.postgresql.replica import PRIMARY, REPLICA
from tests.analytics.days import DAY, at, computed, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.faults.replica import figures_at

pytestmark = pytest.mark.django_db(databases=[PRIMARY, REPLICA])
ADDRESS = f"from={DAY}&to={DAY}&date={DAY}&dimension=channel"
STATS = [f"/api/v1/{route.pattern}?{ADDRESS}" for route in urlpatterns if "realtime" not in str(route.pattern)]
FILTERED = "period=custom&from=2026-03-01&to=2026-03-10&device=mobile"
PAGES = ["/admin/?whole&period=28", f"/admin/?whole&{FILTERED}", "/admin/dashboard/chart.png?period=28"]
FILES = [f"/admin/dashboard/{tile.name}.csv?period=28" for tile in TILES.values() if tile.is_table]
LISTS = [f"/admin/sessions_app/{name}/" for name in ("visitorsession", "sessionevent", "crawlerday")]
OF_FIGURES = ("analytics_daily", "analytics_hourly", "orders_order", "sessions_app_")


@pytest.fixture(scope="module", autouse=True)
def replica_here(django_db_setup: None) -> Iterator[None]:
    """What a test has made it does not see."""
    known = connection.settings_dict
    with figures_at(known["HOST"], name=known["NAME"]):
        yield


@pytest.fixture(autouse=True)
def fit() -> Iterator[None]:
    replica.fitness.fit, replica.fitness.known_until = True, float("inf")
    with time_machine.travel(at(14), tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    lists = [f"sessions_app.view_{name}" for name in ("visitorsession", "sessionevent", "crawlerday")]
    return logged_in(member("analytics.view_dailymetrics", *lists))


@contextmanager
def noted(alias: str) -> Iterator[list[str]]:
    """What is asked there in a `with` block."""
    found: list[str] = []

    def note(execute: Any, sql: str, *others: Any) -> Any:
        found.append(sql)
        return execute(sql, *others)

    with connections[alias].execute_wrapper(note):
        yield found


def of_figures(statements: list[str]) -> list[str]:
    """Those that read rows of which there are many."""
    return [sql for sql in statements if any(f'FROM "{name}' in sql or f"FROM {name}" in sql for name in OF_FIGURES)]


def test_all_figures_of_staff_are_asked_of_the_replica(staff: Client) -> None:
    elsewhere: dict[str, list[str]] = {}
    nowhere: list[str] = []
    for address in (*STATS, *PAGES, *FILES, *LISTS):
        with noted(PRIMARY) as there, noted(REPLICA) as here:
            assert staff.get(address).status_code == 200, address
        elsewhere |= {address: found} if (found := of_figures(there)) else {}
        nowhere += [] if of_figures(here) else [address]
    assert (elsewhere, nowhere) == ({}, [])


def test_so_are_those_of_tiles_that_come_one_by_one(staff: Client) -> None:
    with noted(PRIMARY) as there, noted(REPLICA) as here:
        told = staff.get(f"/admin/dashboard/tiles?period=28&tiles={','.join(TILES)}").getvalue()
    assert (told.count(b"\n"), of_figures(there), bool(of_figures(here))) == (len(TILES), [], True)


def test_so_is_what_takes_long_on_the_live_page(staff: Client) -> None:
    with noted(REPLICA) as here:
        assert staff.get("/admin/live/").status_code == 200
    assert of_figures(here)


def test_they_are_what_it_holds(staff: Client) -> None:
    purchase(visit(at(9)), paid=at(9))
    computed(now=at(13))
    assert staff.get(f"/api/v1/analytics/metrics?date={DAY}").json()["data"]["totalVisits"] == 0


def test_control_without_a_replica_the_primary_is_asked(staff: Client) -> None:
    replica.fitness.fit = False
    with noted(PRIMARY) as there, noted(REPLICA) as here:
        assert staff.get(STATS[0]).status_code == 200
    assert (bool(of_figures(there)), here) == (True, [])
