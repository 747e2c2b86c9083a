"""What stands in the weekly report: the dashboard's numbers, safe to read in any mail program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
import time_machine
from django.conf import LazySettings
from django.template.loader import render_to_string
from PIL import Image

from analytics import picture, stats
from analytics.cards import SHOWN
from analytics.drawing import scale
from analytics.figures import written
from analytics.weekly.letters import letter, text_of
from analytics.weekly.report import one_line, report_of
from analytics.weekly.weeks import Week, WeekError, finished_week, week_before
from core import mail
from core.mail import Letter
from tests.analytics.days import at, computed, purchase, visit
from tests.analytics.weeks import MONDAY, WEEK, reader

pytestmark = pytest.mark.django_db
TUESDAY, SATURDAY = date(2026, 3, 3), date(2026, 3, 7)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


def history() -> None:
    """Two weeks: in the last one 3 visits and an order on Tuesday, a visit on Saturday; before that a visit."""
    purchase(visit(at(9, day=TUESDAY), utm_campaign="spring"), paid=at(10, day=TUESDAY), subtotal=77)
    visit(at(11, day=TUESDAY)), visit(at(12, day=TUESDAY)), visit(at(12, day=SATURDAY))
    visit(at(12, day=TUESDAY - timedelta(days=7)))
    for day in (TUESDAY, SATURDAY, TUESDAY - timedelta(days=7)):
        computed(day, MONDAY)


def html_of(found: Letter) -> str:
    return " ".join(render_to_string("mail/weekly.html", mail.context_of(found, "en")).split())


def test_the_week_before_is_one_of_the_shops_calendar(settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Australia/Sydney"
    sunday_evening = datetime.fromisoformat("2026-03-08T12:59Z")
    assert str(week_before(sunday_evening)) == "2026-W09"
    assert str(week_before(sunday_evening + timedelta(minutes=1))) == "2026-W10"


def test_a_week_in_which_the_clock_changes_is_whole(settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    for monday, hours in ((date(2026, 3, 23), 167), (date(2026, 10, 19), 169)):
        window = Week(monday).window
        assert round((window.until - window.start) / timedelta(hours=1)) == hours
        assert window.is_whole


@pytest.mark.parametrize("text", ["2026-W54", "2026-W11", "2026-10", "W10", "", "0001-W01", "9999-W52"])
def test_a_week_that_is_none_or_not_over_is_refused(text: str) -> None:
    with pytest.raises(WeekError):
        finished_week(text, now=MONDAY)


def test_days_that_were_not_computed_are_told() -> None:
    history()
    assert "10 days of these figures wait to be computed" in text_of(report_of(WEEK))
    for n in range(14):
        computed(TUESDAY - timedelta(days=8 - n), MONDAY)
    assert "to be computed" not in text_of(report_of(WEEK))


def test_its_numbers_are_those_of_the_stats_api() -> None:
    history()
    figures = stats.daily(WEEK.window, compare=True)
    for (card, _link), metric in zip(report_of(WEEK).cards, SHOWN.values(), strict=True):
        assert card.exact == written(figures["totals"][metric.name], metric.kind)
        assert card.before == written(figures["comparison"]["totals"][metric.name], metric.kind)


def test_both_parts_say_the_numbers_with_sign_arrow_and_word() -> None:
    history()
    report = report_of(WEEK)
    found = letter(reader(), report)
    for text in (html_of(found), " ".join(text_of(report).split())):
        assert "Week 10: Mon 2 Mar – Sun 8 Mar" in text
        assert "The best day was Tuesday 3 March: £77.00 of sales, 3 visits." in text
        assert "▲ +300.0 % up" in text
        assert "spring" in text
    assert found.subject == "Footfall demo shop: week 10, sales £77.00 (▲ new)"


def test_links_lead_to_the_week_on_the_dashboard_and_pictures_have_the_sentences_of_their_charts() -> None:
    history()
    found = letter(reader(), report_of(WEEK))
    html = html_of(found)
    for plot in ("visits", "sales"):
        assert f"/admin/?period=custom&amp;from=2026-03-02&amp;to=2026-03-08&amp;plot={plot}" in html
    for shown, title in zip(found.pictures, ("Visits", "Sales"), strict=True):
        assert f'<img src="cid:{shown.cid}" alt="{title} by day: most on Tuesday 3 March with' in html


def test_a_picture_shows_the_day_where_its_value_is() -> None:
    history()
    chart = report_of(WEEK).charts["visits"]
    drawn = Image.open(BytesIO(picture.drawn(chart))).convert("RGB")
    tuesday = (int(picture.column(1 / 6)), int(picture.height(3, chart.on)))
    assert drawn.size == (picture.WIDTH, picture.HEIGHT)
    assert drawn.getpixel(tuesday) == (0x00, 0x72, 0xB2)
    assert drawn.getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("most", "highest", "label"),
    [(0, 1, "1"), (3, 3, "3"), (9, 10, "10"), (3_900, 4_000, "4k"), (9_000_000, 10**7, "10M")],
)
def test_the_grid_has_whole_steps_that_people_can_read(most: int, highest: int, label: str) -> None:
    assert scale([most, None], whole=True).highest == highest
    assert picture.short(Decimal(highest)) == label


def test_without_sales_the_best_day_is_that_of_most_visits() -> None:
    visit(at(12, day=SATURDAY))
    computed(SATURDAY, MONDAY)
    assert report_of(WEEK).best_day == "No sales; most visits were on Saturday 7 March: 1 visit."


def test_what_visitors_choose_is_escaped_and_stays_in_its_line() -> None:
    purchase(visit(at(9, day=TUESDAY), utm_campaign="<b>x<b>\n\nPay here: \u202e evil"), paid=at(10, day=TUESDAY))
    computed(TUESDAY, MONDAY)
    report = report_of(WEEK)
    assert "&lt;b&gt;x&lt;b&gt; Pay here: evil" in html_of(letter(reader(), report))
    assert next(line for line in text_of(report).splitlines() if "Pay here" in line).startswith(
        "<b>x<b> Pay here: evil"
    )
    assert len(one_line("x" * 2048)) == 40


@pytest.mark.parametrize("address", ["https://evil.example/pay", "www.evil.example", "pay@evil.example"])
def test_no_mail_program_makes_a_link_of_what_visitors_choose(address: str) -> None:
    shown = one_line(address)
    assert "evil.example" not in shown
    assert shown.replace("\u200b", "") == address


def test_what_needs_attention_is_told_to_those_who_may_see_it() -> None:
    history()
    purchase(None, needs_attention="amount differs")
    report = report_of(WEEK)
    assert "needs attention</a>" in html_of(letter(reader("orders.view_order"), report))
    assert "needs attention</a>" not in html_of(letter(reader(), report))
    assert "/admin/orders/order/?attention=" in text_of(report)


def test_a_week_without_anything_is_a_short_mail_with_the_next_step() -> None:
    visit(at(9, day=date(2026, 1, 5)))
    found = letter(reader(), report_of(WEEK))
    html = html_of(found)
    assert (found.subject, list(found.pictures)) == ("Footfall demo shop: nothing in week 10", [])
    assert "There were no visits and no paid orders in this week." in html
    assert "/tracker.js&quot; defer&gt;" in html
    assert "Funnel" not in html
    assert "Stop it here" in html


def test_a_new_shop_is_told_how_to_begin() -> None:
    report = report_of(WEEK)
    assert "Footfall has not seen a visit or an order yet." in text_of(report)
    assert report.best_day == ""


def test_a_goal_is_told_as_far_as_it_was_reached() -> None:
    history()
    goal = {"percent": 58, "amount": "£20,000.00"}
    assert "58 % of £20,000.00" in " ".join(text_of(replace(report_of(WEEK), goal=goal)).split())
