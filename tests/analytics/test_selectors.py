"""Reads of the dashboard."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from analytics import selectors
from analytics.hours import counted
from analytics.metrics import Totals
from analytics.models import HourlyMetrics, SalesGoal
from analytics.periods import last_instant, previous, window
from analytics.services import freeze_days, mark_dirty
from sessions_app.dimensions import Dimension
from sessions_app.models import VisitorSession
from tests.analytics.days import DAY, NEXT_MORNING, at, computed, event, purchase, visit
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def test_unique_visitors_are_counted_over_the_window_not_summed_over_days() -> None:
    visitor = uuid.uuid4()
    for ago in range(5):
        visit(at(9) - timedelta(days=ago), visitor_id=visitor)
    visit(at(9)), visit(at(9) - timedelta(days=8))
    current = window(7, at(14))
    assert [selectors.unique_visitors_of(each) for each in (current, previous(current))] == [2, 1]


def test_bots_are_no_unique_visitors() -> None:
    visit(at(9), is_bot=True)
    current = window(7, at(14))
    assert [selectors.unique_visitors_of(each) for each in (current, previous(current))] == [0, 0]


def test_a_window_adds_whole_days_as_stored_and_its_last_day_as_given() -> None:
    visit(at(9) - timedelta(days=1)), visit(at(9) - timedelta(days=1)), visit(at(9)), visit(at(15))
    computed(DAY - timedelta(days=1))
    current = window(7, at(14))
    stored = selectors.daily_rows(current.first, current.last)
    today = selectors.slice_totals(current, stored.get(DAY))
    assert selectors.window_totals(current, stored, today).total_visits == 3


def part(until: datetime) -> Totals:
    """What the day of an instant brought until then."""
    row = selectors.daily_rows(until.date(), until.date()).get(until.date())
    return selectors.slice_totals(window(1, until), row)


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 61, 150, 601])
def test_a_part_of_a_settled_day_is_what_raw_rows_of_it_say(minutes: int) -> None:
    """Its whole hours are read from their rows, the one that is cut is counted."""
    visitor, until = uuid.uuid4(), at(0) + timedelta(minutes=minutes)
    visit(at(9, 30) - timedelta(days=3), visitor_id=visitor)
    for minute in range(0, 700, 20):
        seen = visit(at(0) + timedelta(minutes=minute), seconds=minute, visitor_id=uuid.UUID(int=minute % 70))
        event(seen, "add_to_cart")
        purchase(
            visit(at(0) + timedelta(minutes=minute), visitor_id=visitor), paid=at(0) + timedelta(minutes=2 * minute)
        )
    raw = counted(at(0), until)
    computed()
    assert part(until) == raw


def test_whole_hours_of_a_settled_day_are_not_counted_again() -> None:
    visit(at(9)), visit(at(10, 10))
    computed()
    VisitorSession.objects.all().delete()
    assert (part(at(10, 30)).total_visits, part(last_instant(DAY)).total_visits) == (1, 2)


def test_of_a_frozen_day_whole_hours_count() -> None:
    visit(at(9)), visit(at(10, 10)), computed()
    freeze_days(before=DAY + timedelta(days=1), now=NEXT_MORNING)
    assert [part(at(hour, minute)).total_visits for hour, minute in ((10, 30), (11, 0), (11, 1))] == [1, 2, 2]


def test_today_and_days_that_wait_for_a_run_are_counted_from_raw_rows() -> None:
    computed(now=at(14))
    visit(at(9))
    assert part(at(14, 3)).total_visits == 1
    computed()
    visit(at(9))
    mark_dirty(days=[DAY])
    assert part(at(14, 3)).total_visits == 2


def test_a_day_of_which_an_hour_is_missing_is_counted_from_raw_rows() -> None:
    visit(at(9)), computed()
    HourlyMetrics.objects.filter(hour=at(9)).delete()
    assert part(at(14)).total_visits == 1


def test_who_came_in_an_earlier_hour_is_not_new_in_the_one_that_is_cut() -> None:
    """But who was seen only as a bot on that day is: as in the row of the day."""
    both, bot = uuid.uuid4(), uuid.uuid4()
    visit(at(9), visitor_id=both), visit(at(10, 1), visitor_id=both)
    visit(at(9), visitor_id=bot, is_bot=True), visit(at(10, 2), visitor_id=bot)
    assert computed().new_users == 2
    assert part(at(10, 30)).new_users == 2


def test_outcomes_name_every_state() -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=30), purchase(visit(at(9)), status="expired", subtotal=5)
    found = {
        outcome.status: (outcome.orders, int(outcome.total)) for outcome in selectors.order_outcomes(window(1, at(14)))
    }
    assert found == {
        "pending": (0, 0), "success": (1, 30), "failed": (0, 0), "expired": (1, 5), "cancelled": (0, 0),
    }  # fmt: skip


def test_top_values_are_added_over_days_and_the_smaller_ones_left_out() -> None:
    for ago, city in ((0, "A"), (1, "A"), (1, "B"), (2, "C"), (2, "C"), (2, "C")):
        visit(at(9) - timedelta(days=ago), city=city)
    for ago in range(3):
        computed(DAY - timedelta(days=ago))
    found = selectors.top_values(window(7, at(14)), [Dimension.CITY], 2)
    assert [(entry.value, entry.visits) for entry in found[Dimension.CITY]] == [("C", 3), ("A", 2)]


def test_products_have_names_but_one_that_is_gone_or_never_was() -> None:
    product = ProductFactory(name="Oak stool")
    names = selectors.product_names([str(product.id), str(uuid.uuid4()), "(deleted)", "nonsense"])
    assert names == {str(product.id): "Oak stool"}


def test_visits_without_a_campaign_are_no_campaign() -> None:
    visit(at(9)), visit(at(9), utm_campaign="spring")
    computed()
    found = selectors.top_values(window(1, at(14)), [Dimension.CAMPAIGN], 8)
    assert [entry.value for entry in found[Dimension.CAMPAIGN]] == ["spring"]


def test_the_first_day_is_that_of_the_first_visit_or_order() -> None:
    assert selectors.first_day() is None
    visit(at(9))
    purchase(None, placed_at=at(9) - timedelta(days=3))
    assert selectors.first_day() == DAY - timedelta(days=3)


def test_the_stats_of_a_day_have_its_goal_and_how_far_it_is_reached() -> None:
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=80)
    purchase(visit(at(9)), paid=at(10), subtotal=20)
    computed()
    stats = selectors.stats_of_day(DAY, now=at(12))
    assert (stats["sales_goal"], stats["sales_goal_progress"]) == (80, Decimal("25.00"))
