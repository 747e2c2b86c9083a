"""The alerts in the admin: who sees them, who mutes, by which request, and what stands in the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from analytics.alerts.muting import mute
from analytics.models import Alert, AlertKind, AlertMute
from core.clock import day_bounds
from tests.admin_lists import list_of, queries_of
from tests.analytics.days import DAY, at
from tests.analytics.staff import logged_in, member
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NOW = at(14, 5)
SEE, MUTE = "analytics.view_alert", "analytics.change_alert"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def alert() -> Alert:
    return Alert.objects.create(kind="traffic_low", sentence="23 visits & <b>no more</b>", began_at=NOW)


@pytest.fixture
def staff() -> Client:
    return logged_in(member(SEE, MUTE))


def act(client: Client, alert: Alert, name: str = "mute_kind", **fields: str) -> Any:
    sent = {"_form_submitted": "True", "how_long": "24"} | fields
    return client.post(f"/admin/analytics/alert/{alert.pk}/{name}/", sent)


def muted_until() -> datetime | None:
    """When the mute of few visits is over."""
    return AlertMute.objects.filter(kind="traffic_low").values_list("until", flat=True).first()


def test_the_list_says_what_where_and_since_when(staff: Client, alert: Alert) -> None:
    page = list_of(staff, "analytics/alert", state="open")
    assert 'href="/admin/?period=today"' in page
    assert "23 visits &amp; &lt;b&gt;no more&lt;/b&gt;" in page
    assert f"/admin/analytics/alert/{alert.pk}/change/" in page
    assert "23 visits" not in list_of(staff, "analytics/alert", state="over")


def test_the_list_costs_as_many_queries_with_many_rows_as_with_few(staff: Client) -> None:
    rows = [Alert(kind="no_orders", sentence="x", began_at=NOW, ended_at=NOW) for _ in range(30)]
    Alert.objects.bulk_create(rows)
    assert queries_of(staff, "analytics/alert") == 3


@pytest.mark.parametrize(
    ("fields", "until"),
    [
        ({"how_long": "1"}, NOW + timedelta(hours=1)),
        ({}, NOW + timedelta(hours=24)),
        ({"how_long": "168"}, NOW + timedelta(days=7)),
        ({"how_long": "day", "last_day": "2026-03-12"}, day_bounds(DAY + timedelta(days=2))[1]),
    ],
)
def test_a_kind_is_muted_for_as_long_as_was_chosen(
    fields: dict[str, str], until: datetime, staff: Client, alert: Alert
) -> None:
    assert act(staff, alert, **fields).headers["HX-Redirect"] == f"/admin/analytics/alert/{alert.pk}/change/"
    assert muted_until() == until
    assert "are muted until" in LogEntry.objects.get(object_id=alert.pk).change_message


@pytest.mark.parametrize("day", ["", "2026-03-09", "2028-01-01"])
def test_a_day_that_is_over_or_far_or_none_is_refused(day: str, staff: Client, alert: Alert) -> None:
    answer = act(staff, alert, how_long="day", last_day=day)
    assert (answer.status_code, muted_until()) == (200, None)
    assert b"From today to 2027-03-11." in answer.content


def test_a_mute_names_who_did_it_and_can_be_ended(staff: Client, alert: Alert) -> None:
    boss = UserFactory(is_staff=True)
    mute(kind=AlertKind.TRAFFIC_LOW, until=at(15), user=boss, now=NOW)
    page = staff.get(f"/admin/analytics/alert/{alert.pk}/change/").content.decode()
    assert f"by {boss.email}" in page
    act(staff, alert, "unmute_kind")
    assert muted_until() is None
    assert "are heard again" in LogEntry.objects.get().change_message
    assert act(staff, alert, "unmute_kind").status_code == 403


def test_opening_the_dialog_mutes_nothing(staff: Client, alert: Alert) -> None:
    assert staff.get(f"/admin/analytics/alert/{alert.pk}/mute_kind/").status_code == 200
    assert muted_until() is None


def test_those_who_may_only_look_do_not_mute(alert: Alert) -> None:
    viewer = logged_in(member(SEE))
    assert b"mute_kind" not in viewer.get(f"/admin/analytics/alert/{alert.pk}/change/").content
    assert act(viewer, alert).status_code == 403
    assert logged_in(member()).get("/admin/analytics/alert/").status_code == 403
    assert act(Client(), alert).status_code == 302
    assert muted_until() is None


def test_an_alert_cannot_be_written(staff: Client, alert: Alert) -> None:
    assert staff.get("/admin/analytics/alert/add/").status_code == 403
    assert staff.post(f"/admin/analytics/alert/{alert.pk}/change/", {"kind": "x"}).status_code == 403
