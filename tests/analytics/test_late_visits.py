"""Of visits too something comes late, and goes: the days that this touches are computed again by the next run."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import time_machine

from analytics.models import DailyMetrics
from analytics.services import aggregate_day, freeze_days, refresh_touched
from sessions_app import dead_letters, late_days
from sessions_app.entries import Entry, Kind
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import DeadLetter, LateDay, VisitorSession
from sessions_app.personal import erase_visits
from sessions_app.services import Arrival, begin, session_entry
from sessions_app.storing import store, store_each
from tests.analytics.days import DAY, at, broken_down, visit
from tests.browsers import CHROME

pytestmark = pytest.mark.django_db
NOW = at(9)
LONG_AGO = DAY - timedelta(days=4)
"""A day that nobody computes again of itself."""


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def entry(session: VisitorSession, when: datetime) -> Entry:
    """Something put into the cart, on its way."""
    return event_entry(Event("add_to_cart", Source.SCRIPT, when), session.pk)


def session_of(when: datetime) -> Entry:
    """The beginning of a visit, on its way."""
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    return session_entry(begin(arrival=arrival, now=when))


def days_counted(*, until: int = 1) -> None:
    """All days since then have their rows."""
    for ago in range(5, until - 1, -1):
        aggregate_day(day=DAY - timedelta(days=ago), now=at(0, 20))


def noted() -> list[date]:
    return sorted(set(LateDay.objects.values_list("day", flat=True)))


def test_what_comes_after_a_weekend_computes_the_days_of_event_and_visit_again() -> None:
    session = visit(at(23, 50, day=LONG_AGO - timedelta(days=1)))
    days_counted()
    store_each([entry(session, at(0, 10, day=LONG_AGO))])
    assert refresh_touched(now=NOW) == [LONG_AGO - timedelta(days=1), LONG_AGO]
    rows = {row.date: row for row in DailyMetrics.objects.all()}
    assert (rows[LONG_AGO - timedelta(days=1)].cart_sessions, rows[LONG_AGO].cart_additions) == (1, 1)
    assert refresh_touched(now=NOW) == []


def test_a_visit_that_comes_late_computes_its_day_again() -> None:
    visit(at(8, day=LONG_AGO))
    days_counted()
    store_each([session_of(at(12, day=LONG_AGO))])
    assert refresh_touched(now=NOW) == [LONG_AGO]
    assert DailyMetrics.objects.get(date=LONG_AGO).total_visits == 2


def test_a_dead_letter_that_is_stored_days_later_computes_its_day_again() -> None:
    session = visit(at(12, day=LONG_AGO))
    days_counted()
    DeadLetter.objects.create(entry=entry(session, at(12, 5, day=LONG_AGO)).fields, error="-")
    assert dead_letters.replay().stored == 1
    assert refresh_touched(now=NOW) == [LONG_AGO]
    assert DailyMetrics.objects.get(date=LONG_AGO).cart_additions == 1


def test_a_source_that_is_known_late_computes_the_day_of_the_visit_again() -> None:
    session = visit(at(12, day=LONG_AGO))
    days_counted()
    touch = {"at": session.started_at.isoformat(), "channel": "email", "utm_campaign": "spring"}
    store_each([Entry.of(Kind.ARRIVAL, {"arrival": touch, "fills": True, "session_id": session.pk.hex})])
    refresh_touched(now=NOW)
    assert broken_down("campaign", LONG_AGO) == {"spring": (1, 1, 0, "0.00")}


def test_what_is_of_today_or_yesterday_is_noted_nowhere() -> None:
    """These days are computed anyway, and the flusher has enough to do."""
    session = visit(at(0, 1) - timedelta(days=1))
    store([session_of(NOW), entry(session, at(0, 1) - timedelta(days=1)), entry(session, NOW)])
    assert noted() == []


def test_what_comes_twice_is_noted_once() -> None:
    late = entry(visit(at(12, day=LONG_AGO)), at(12, day=LONG_AGO))
    store_each([late])
    late_days.take()
    store_each([late])
    assert noted() == []


def test_a_day_of_which_something_was_erased_is_computed_again() -> None:
    session = visit(at(12, day=LONG_AGO), landing_page="/gift-for-anna", utm_campaign="anna")
    days_counted()
    erase_visits([session.pk], now=NOW)
    assert refresh_touched(now=NOW) == [LONG_AGO]
    assert broken_down("landing_page", LONG_AGO) == broken_down("campaign", LONG_AGO) == {"(none)": (1, 1, 0, "0.00")}


def test_a_frozen_day_keeps_what_was_counted_of_visits_that_are_erased() -> None:
    session = visit(at(12, day=LONG_AGO), utm_campaign="spring")
    days_counted()
    freeze_days(before=LONG_AGO + timedelta(days=1), now=NOW)
    erase_visits([session.pk], now=NOW)
    refresh_touched(now=NOW)
    assert broken_down("campaign", LONG_AGO) == {"spring": (1, 1, 0, "0.00")}


def test_a_day_that_waits_is_computed_before_it_is_frozen() -> None:
    session = visit(at(12, day=LONG_AGO))
    days_counted()
    store_each([entry(session, at(12, day=LONG_AGO))])
    freeze_days(before=LONG_AGO + timedelta(days=1), now=NOW)
    assert DailyMetrics.objects.get(date=LONG_AGO).cart_additions == 1
    assert noted() == []
