"""Who came again, by the day on which they last had."""

import random
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from analytics import selectors
from analytics.models import DailyBreakdown, DailyReturn, ReturnsOfDay
from analytics.periods import Window, last_instant
from analytics.returns import are_counted
from analytics.services import breakdown, count_missing_returns, returns
from analytics.stats import visitors_from_visits, visitors_of
from core.clock import shop_day
from sessions_app.dimensions import OTHER, Dimension
from sessions_app.models import VisitorSession
from tests.analytics.days import DAY, NEXT_MORNING, at, computed, event, visit

pytestmark = pytest.mark.django_db
SOMEBODY = uuid.UUID(int=7)


def ago(days: int) -> datetime:
    """Noon, so many days before the day."""
    return at(12) - timedelta(days=days)


def came(days_ago: int, **fields: Any) -> VisitorSession:
    """A visit of the one visitor of these tests, so many days before the day."""
    return visit(ago(days_ago), visitor_id=SOMEBODY, **fields)


def counted(*days_ago: int) -> list[date]:
    """Computes these days and counts what has come again."""
    for days in sorted(days_ago, reverse=True):
        computed(DAY - timedelta(days=days))
    return count_missing_returns(now=NEXT_MORNING)


def found(dimension: str) -> list[tuple[int, str, int, int]]:
    """Days ago, value, days ago of the time before, visitors."""
    rows = DailyReturn.objects.filter(dimension=dimension).order_by("date", "value", "previous")
    return [((DAY - row.date).days, row.value, (DAY - row.previous).days, row.visitors) for row in rows]


def test_who_comes_with_the_same_value_has_come_before() -> None:
    came(3, channel="paid"), came(1, channel="direct"), came(0, channel="paid"), visit(ago(0), channel="paid")
    counted(3, 1, 0)
    assert found("channel") == [(0, "paid", 3, 1)]


def test_the_last_day_before_counts_and_a_visitor_once_a_day() -> None:
    for days in (5, 2, 2, 0, 0):
        came(days, country="VN")
    counted(5, 2, 0)
    assert found("country") == [(2, "VN", 5, 1), (0, "VN", 2, 1)]


def test_bots_do_not_come_again() -> None:
    came(2, is_bot=True), came(1), came(0, is_bot=True)
    counted(2, 1, 0)
    assert not DailyReturn.objects.exists()


def test_a_visit_without_the_value_is_a_value_too() -> None:
    came(1, utm_campaign=""), came(0, utm_campaign="")
    counted(1, 0)
    assert found("campaign") == [(0, "(none)", 1, 1)]


def test_views_count_where_the_rows_of_days_count_them() -> None:
    for days in (1, 0):
        seen = came(days, script_page_views=1)
        event(seen, "page_view", page="/a", source="script", timestamp=seen.started_at)
        event(seen, "page_view", page="/b", source="api", timestamp=seen.started_at)
    counted(1, 0)
    assert found("page") == [(0, "/a", 1, 1)]


def test_a_visit_over_midnight_comes_again_on_the_day_after() -> None:
    product = uuid.uuid4()
    seen = visit(at(23, 55) - timedelta(days=1), script_page_views=1)
    for minute in (0, 10):
        moment = seen.started_at + timedelta(minutes=minute)
        event(seen, "product_view", product_id=product, source="script", timestamp=moment)
    counted(1, 0)
    assert found("product") == [(0, str(product), 1, 1)]


def test_a_day_on_which_the_value_has_no_row_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "KEPT_VALUES", 1)
    came(2, city="A"), came(1, city="A"), came(0, city="A")
    visit(ago(1), city="B"), visit(ago(1), city="B")
    counted(2, 1, 0)
    assert found("city") == [(0, "A", 2, 1)]


def test_a_day_computed_again_is_counted_again() -> None:
    came(0)
    assert counted(0) == [DAY]
    assert count_missing_returns(now=NEXT_MORNING) == []
    computed(now=NEXT_MORNING + timedelta(minutes=5))
    assert not are_counted(DAY, DAY)
    assert count_missing_returns(now=NEXT_MORNING) == [DAY]


def test_history_that_comes_late_has_later_days_counted_again() -> None:
    came(0, city="A")
    counted(0)
    came(3, city="A")
    assert counted(3) == [DAY - timedelta(days=3), DAY]
    assert found("city") == [(0, "A", 3, 1)]


def test_later_days_are_left_alone_when_nothing_of_a_day_has_changed() -> None:
    came(1), came(0)
    counted(1, 0)
    computed(DAY - timedelta(days=1), now=NEXT_MORNING + timedelta(minutes=5))
    assert count_missing_returns(now=NEXT_MORNING) == [DAY - timedelta(days=1)]


def test_a_run_counts_so_many_days_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returns, "MOST_A_RUN", 2)
    assert len(counted(2, 1, 0)) == 2
    assert count_missing_returns(now=NEXT_MORNING) == [DAY]


def test_what_was_counted_outlives_the_visits() -> None:
    came(1), came(0)
    counted(1, 0)
    kept = found("channel")
    VisitorSession.objects.all().delete()
    ReturnsOfDay.objects.filter(date=DAY).update(computed_at=at(0))
    assert count_missing_returns(now=NEXT_MORNING) == [DAY]
    assert found("channel") == kept
    assert are_counted(DAY, DAY)


def test_a_day_whose_visits_were_gone_before_is_never_counted() -> None:
    came(0)
    computed()
    VisitorSession.objects.all().delete()
    assert count_missing_returns(now=NEXT_MORNING) == [DAY]
    assert not are_counted(DAY, DAY)


def six_days() -> list[Window]:
    """Visits of five people on six days, at random but the same each time, and every range of those days."""
    dice, people, products = random.Random(7), [uuid.UUID(int=n) for n in range(5)], [uuid.UUID(int=n) for n in (8, 9)]
    for _visit in range(40):
        fields: dict[str, Any] = {name: dice.choice(("", "a", "(none)", "(other)")) for name in ("utm_source", "os")}
        fields |= {name: dice.choice(("a", "b")) for name in ("channel", "device", "country", "city", "landing_page")}
        fields |= {name: dice.choice(("a", "b")) for name in ("utm_campaign", "utm_medium", "browser")}
        fields |= {"referrer_host": dice.choice(("", "a", "b"))}
        fields |= {"script_page_views": dice.randrange(2), "is_bot": not dice.randrange(8)}
        begun = ago(dice.randrange(6)) + timedelta(minutes=dice.randrange(-720, 720))
        seen = visit(begun, visitor_id=dice.choice(people), **fields)
        for minute in range(dice.randrange(4)):
            fields = {"timestamp": begun + timedelta(minutes=minute), "source": dice.choice(("script", "api"))}
            event(seen, "page_view", page=dice.choice(("a", "", "(none)", "(other)")), **fields)
            event(seen, "product_view", product_id=dice.choice(products), **fields)
    counted(5, 4, 3, 2, 1, 0)
    days = [DAY - timedelta(days=n) for n in range(5, -1, -1)]
    return [Window(first, last, last_instant(last)) for first in days for last in days if first < last]


@pytest.fixture(scope="class")
def windows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Window]]:
    """Those days, made once for the tests that look at them: a class, so that no other test sees them."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield six_days()
        transaction.set_rollback(True)


class TestSixDays:
    @pytest.mark.parametrize("dimension", Dimension)
    def test_visitors_of_any_range_are_as_many_as_its_visits_tell(
        self, dimension: Dimension, windows: list[Window]
    ) -> None:
        stored = DailyBreakdown.objects.filter(dimension=dimension)
        for window in windows:
            rows = stored.filter(date__range=(window.first, window.last)).exclude(value=OTHER)
            values = sorted(set(rows.values_list("value", flat=True)))
            assert are_counted(window.first, window.last)
            assert visitors_of(window, dimension, values) == visitors_from_visits(window, dimension, values)

    @pytest.mark.parametrize("last", [last_instant(DAY - timedelta(days=1)), at(10), at(14)])
    @pytest.mark.parametrize("before", [2, 3, 5])
    def test_visitors_of_a_window_are_as_many_as_its_visits_tell(
        self, last: datetime, before: int, windows: list[Window]
    ) -> None:
        window = Window(DAY - timedelta(days=before), shop_day(last), last)
        from_returns = selectors.unique_visitors_of(window)
        ReturnsOfDay.objects.all().delete()
        assert from_returns == selectors.unique_visitors_of(window) > 0


def test_a_range_with_a_day_that_has_no_row_is_not_counted() -> None:
    came(3), came(1)
    counted(3, 1)
    assert not are_counted(DAY - timedelta(days=3), DAY - timedelta(days=1))


def test_before_the_first_day_of_all_there_is_nothing_to_count() -> None:
    came(1)
    counted(1)
    assert are_counted(DAY - timedelta(days=90), DAY - timedelta(days=1))
