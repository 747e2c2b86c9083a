"""The stats API, as staff with the permission, staff without, and nobody."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from core import redis
from sessions_app.state import ACTIVE
from tests.analytics.days import DAY, at, computed, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DAYS = "?from=2026-03-09&to=2026-03-10"
ADDRESSES = [f"/api/v1/analytics/{call}" for call in ("metrics", "realtime", f"hours{DAYS}", f"goals{DAYS}")]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(at(14, 5), tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    return logged_in(member("analytics.view_dailymetrics"))


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_is_not_authenticated(address: str) -> None:
    response = Client().get(address)
    assert (response.status_code, response.json()["error"]) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("address", ADDRESSES)
def test_staff_without_the_permission_and_shoppers_are_refused(address: str) -> None:
    for user in (member(), UserFactory()):
        response = logged_in(user).get(address)
        assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")


def test_today_is_answered_with_who_is_here_now(staff: Client) -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=20)
    computed(now=at(14))
    redis.client().zadd(ACTIVE, {"a": at(14).timestamp(), "b": at(13).timestamp()})
    data = staff.get("/api/v1/analytics/metrics").json()["data"]
    assert (data["date"], data["totalVisits"], data["totalSales"], data["currency"]) == (
        "2026-03-10",
        1,
        "20.00",
        "GBP",
    )
    assert (data["conversionRate"], data["activeUsers"], data["computedAt"]) == ("100.00", 1, "2026-03-10T14:00:00Z")


def test_another_day_can_be_asked_for(staff: Client) -> None:
    visit(at(9) - timedelta(days=1))
    computed(DAY - timedelta(days=1))
    data = staff.get("/api/v1/analytics/metrics?date=2026-03-09").json()["data"]
    assert (data["totalVisits"], data["isFinal"]) == (1, True)


def test_a_day_never_computed_is_zeros_and_says_so(staff: Client) -> None:
    data = staff.get("/api/v1/analytics/metrics?date=2020-01-01").json()["data"]
    assert (data["totalVisits"], data["computedAt"]) == (0, None)


@pytest.mark.parametrize("asked", ["yesterday", "2026-02-30", "%00", "2026-03-11"])
def test_a_day_that_is_none_is_refused_by_name(staff: Client, asked: str) -> None:
    response = staff.get(f"/api/v1/analytics/metrics?date={asked}")
    assert (response.status_code, list(response.json()["details"])) == (400, ["date"])


def test_realtime_says_when(staff: Client) -> None:
    redis.client().zadd(ACTIVE, {"a": at(14, 5).timestamp()})
    data = staff.get("/api/v1/analytics/realtime").json()["data"]
    assert (data["activeUsers"], data["usersPerMinute"], data["timestamp"]) == (1, 1, "2026-03-10T14:05:00Z")
