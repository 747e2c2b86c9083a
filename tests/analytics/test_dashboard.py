"""The admin's index, as those see it who may, may not, and are nobody."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from sessions_app.models import DeadLetter
from tests.analytics.days import at, computed, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.factories import PASSWORD, UserFactory
from tests.orders.subscriber import delivery_to, endpoint_at

pytestmark = pytest.mark.django_db
NOW = at(14, 5)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    return logged_in(member("analytics.view_dailymetrics"))


def page(client: Client, query: str = "") -> str:
    """The text of the index."""
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_nobody_is_asked_to_log_in() -> None:
    response = Client().get("/admin/")
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/login/?next=/admin/")


def test_a_shopper_is_not_let_in() -> None:
    assert logged_in(UserFactory()).get("/admin/").status_code == 302


def test_staff_without_the_permission_see_a_sentence_and_no_figures() -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=77)
    text = page(logged_in(member()))
    assert "Figures are shown to people with the permission" in text
    assert "£77" not in text


def test_todays_figures_are_there_without_waiting_for_a_job(staff: Client) -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=77), visit(at(11))
    text = page(staff)
    assert "until 14:05 UTC" in text
    assert "<dt>visits</dt><dd>2</dd>" in text
    assert "<dt>sales</dt><dd>£77.00</dd>" in text
    assert "<dt>conversion</dt><dd>50.00 %</dd>" in text


def test_what_comes_after_now_is_not_counted(staff: Client) -> None:
    visit(at(9)), visit(at(15))
    assert "<dt>visits</dt><dd>1</dd>" in page(staff)


def test_a_card_has_its_value_and_change_against_the_same_hours_of_the_same_weekdays(staff: Client) -> None:
    week = timedelta(days=7)
    visit(at(9)), visit(at(10)), visit(at(9) - week), visit(at(15) - week)
    text = page(staff, "?days=1")
    assert '<span class="ff-card-value">2</span> <span class="ff-change ff-up">▲ +100.0 % up</span>' in text
    assert "Tue 10 Mar until 14:05</strong> compared with Tue 3 Mar until 14:05" in text


def test_from_nothing_to_something_is_new(staff: Client) -> None:
    visit(at(9))
    assert "▲ new" in page(staff)


def test_a_period_that_is_not_ours_is_the_usual_one(staff: Client) -> None:
    visit(at(9))
    for query in ("", "?days=3", "?days=x", "?days=", "?days=28"):
        assert "Wed 11 Feb – Tue 10 Mar 14:05" in page(staff, query)


def test_the_plotted_metric_stands_in_the_address(staff: Client) -> None:
    visit(at(9))
    assert "Sales by day" in page(staff, "?plot=sales")
    assert "Visits by day" in page(staff, "?plot=nonsense")


def test_the_chart_has_a_sentence_and_a_table(staff: Client) -> None:
    for _ in range(3):
        visit(at(9) - timedelta(days=2))
    computed(at(9).date() - timedelta(days=2))
    text = page(staff)
    assert "Visits by day: most on Sunday 8 March with 3; 3 in 27 whole days, none in the period before." in text
    assert '<th scope="row">Sun 8 Mar</th><td class="ff-number">3</td>' in text


def test_attention_names_what_there_is_to_those_who_may_see_it() -> None:
    visit(at(9))
    purchase(None, needs_attention="amount differs")
    DeadLetter.objects.create(entry={}, error="no such session")
    delivery_to(endpoint_at("https://a.example/"), status="dead", next_try_at=None, settled_at=NOW)
    seen = ("orders.view_order", "sessions_app.view_deadletter", "orders.view_webhookdelivery")
    may = logged_in(member("analytics.view_dailymetrics", *seen))
    assert "1 webhook was never taken" in page(may)
    assert "1 order needs attention" in page(may)
    assert "1 event was not stored (dead letters)" in page(may)
    assert "Needs attention" not in page(logged_in(member("analytics.view_dailymetrics")))


def test_there_is_no_attention_strip_when_nothing_needs_any(staff: Client) -> None:
    visit(at(9))
    assert "Needs attention" not in page(staff)


def test_a_new_shop_is_told_the_next_step(staff: Client) -> None:
    text = page(staff)
    assert "No visits yet" in text
    assert "http://testserver/tracker.js" in text


def test_a_quiet_period_says_so(staff: Client) -> None:
    visit(at(9) - timedelta(days=200))
    assert "Nothing happened in this period" in page(staff, "?days=7")


def test_values_that_visitors_choose_are_escaped(staff: Client) -> None:
    visit(at(9), utm_campaign="<script>alert(1)</script>")
    computed()
    assert "<script>alert(1)" not in page(staff)


def test_the_page_costs_a_fixed_number_of_queries(
    staff: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for ago in range(3):
        for _ in range(3):
            purchase(visit(at(9) - timedelta(days=ago)), paid=at(10) - timedelta(days=ago))
        computed(at(9).date() - timedelta(days=ago))
    page(staff)
    with django_assert_num_queries(15):
        page(staff)


def test_a_day_that_is_over_is_shown_whole(staff: Client) -> None:
    long_ago = date(2025, 5, 18)
    visit(at(23, day=long_ago)), visit(at(9))
    text = page(staff, "?days=1&to=2025-05-18")
    assert "Sun 18 May 2025 <span>the whole day, UTC</span>" in text
    assert "<dt>visits</dt><dd>1</dd>" in text
    assert "Today" not in text.split("ff-dashboard", 1)[1].split("<details>")[0].replace('title="Today"', "")


@pytest.mark.parametrize("nonsense", ["2026-13-40", "tomorrow", "2026-03-11", "0001-01-01", ""])
def test_a_last_day_that_makes_no_sense_is_today(staff: Client, nonsense: str) -> None:
    assert "until 14:05 UTC" in page(staff, f"?to={nonsense}")


def test_the_earlier_period_ends_where_this_one_begins(staff: Client) -> None:
    visit(at(9))
    assert '<a href="/admin/?days=7&amp;plot=visits&amp;to=2026-03-03" rel="prev">' in page(staff, "?days=7")


def test_who_logs_in_without_having_been_sent_there_comes_to_the_dashboard() -> None:
    user = UserFactory(is_staff=True)
    answer = Client().post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
