"""How long a login of staff lasts, and what ends it at once. Customers' logins are not touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.sessions.models import Session

from customers import staff_sessions
from customers.models import User
from tests.customers.member import logged_in
from tests.customers.staff import Person, boss
from tests.factories import NOW, PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/customers/user/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def person() -> Person:
    """Logged in."""
    found = boss()
    found.log_in()
    return found


def days_work(person: Person, clock: time_machine.Traveller, hours: float, every: float = 0.5) -> bool:
    """Whether somebody who asks so often is still in after so long."""
    for _time in range(int(hours / every)):
        clock.shift(timedelta(hours=every))
        is_in = person.is_in
    return is_in


@pytest.mark.parametrize(("hours", "is_in"), [(11.5, True), (12, False)])
def test_a_login_ends_after_twelve_hours_however_busy(
    person: Person, clock: time_machine.Traveller, hours: float, is_in: bool
) -> None:
    assert days_work(person, clock, hours) is is_in


@pytest.mark.parametrize(("minutes", "is_in"), [(59, True), (60, False)])
def test_and_after_an_hour_without_a_request(
    person: Person, clock: time_machine.Traveller, minutes: int, is_in: bool
) -> None:
    clock.shift(timedelta(minutes=minutes))
    assert person.is_in is is_in


def test_control_without_the_rule_it_goes_on(
    person: Person, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_sessions, "has_ended", lambda *_session: False)
    clock.shift(timedelta(hours=13))
    assert person.is_in


def test_both_are_settings(person: Person, clock: time_machine.Traveller, settings: LazySettings) -> None:
    settings.STAFF_SESSION_HOURS, settings.STAFF_IDLE_MINUTES = 2, 31
    assert [days_work(person, clock, hours) for hours in (1.5, 0.5)] == [True, False]


def test_a_page_that_refreshes_itself_prolongs_nothing(person: Person, clock: time_machine.Traveller) -> None:
    for _time in range(4):
        clock.shift(timedelta(minutes=15))
        answer = person.client.get("/admin/live/figures/", headers={"x-poll": "1"})
    assert answer.status_code == 302


def test_a_login_that_ended_is_gone_and_the_next_leads_back(person: Person, clock: time_machine.Traveller) -> None:
    key = person.client.session.session_key
    clock.shift(timedelta(hours=2))
    assert person.client.get(PAGE)["Location"] == f"/admin/login/?next={PAGE}"
    assert not Session.objects.filter(pk=key).exists()
    assert person.log_in(onward=PAGE)["Location"] == PAGE


def test_for_the_api_it_is_nobodys(person: Person, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(hours=2))
    answer = person.client.get("/api/v1/analytics/metrics")
    assert (answer.status_code, answer.json()["error"]) == (401, "NOT_AUTHENTICATED")


def test_a_login_that_does_not_say_when_it_began_has_ended(person: Person) -> None:
    session = person.client.session
    del session[staff_sessions.BEGAN]
    session.save()
    assert not person.is_in


@pytest.mark.parametrize(
    "change",
    [
        {"is_staff": False},
        {"is_staff": False, "is_superuser": False},
        {"is_superuser": False},
        {"is_active": False},
        {"password": "changed"},
    ],
    ids=["no staff", "nothing", "no superuser", "inactive", "password"],
)
def test_what_is_taken_away_ends_every_login_at_once(person: Person, change: dict[str, Any]) -> None:
    User.objects.filter(pk=person.user.pk).update(**change)
    assert not person.is_in
    assert person.client.get("/api/v1/analytics/metrics").status_code == 401


def test_a_customer_who_becomes_staff_logs_in_anew() -> None:
    ada = logged_in()
    User.objects.update(is_staff=True)
    assert ada.client.get("/admin/second-factor/").status_code == 302
    assert ada.client.session.get("_auth_user_hash") != User.objects.get().get_session_auth_hash()


def test_a_colleague_who_changes_the_password_ends_the_logins(person: Person) -> None:
    other = Person(UserFactory.create(is_staff=True))
    other.log_in()
    form = {"password1": "another-horse-91", "password2": "another-horse-91", "usable_password": "true"}
    assert person.client.post(f"{PAGE}{other.user.pk}/password/", form).status_code == 302
    assert (person.is_in, other.is_in) == (True, False)


def test_customers_stay_logged_in(clock: time_machine.Traveller) -> None:
    ada = logged_in()
    clock.shift(timedelta(days=10))
    assert ada.account().status_code == 200
    assert ada.log_in(PASSWORD).status_code == 200


def test_the_last_request_is_noted_once_a_minute(person: Person, clock: time_machine.Traveller) -> None:
    written = []
    for seconds in (30, 29, 1, 30, 30):
        clock.shift(seconds)
        assert person.is_in
        written.append(person.client.session[staff_sessions.SEEN] - NOW.timestamp())
    assert written == [0, 0, 60, 60, 120]
