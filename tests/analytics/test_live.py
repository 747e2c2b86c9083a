"""The Live page, as those see it who may, may not, and are nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analytics import stats
from analytics.live import pages_now
from analytics.models import RealtimeMetrics
from core import redis as core_redis
from sessions_app.state import ACTIVE
from tests.analytics.days import at, event, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NOW = at(14, 5)
PAGE, FIGURES = "/admin/live/", "/admin/live/figures/"
FIGURES_ONLY = "analytics.view_dailymetrics"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    return logged_in(member(FIGURES_ONLY))


def seen(**minutes_ago: float) -> None:
    """Sessions seen so long before now."""
    core_redis.client().zadd(ACTIVE, {name: NOW.timestamp() - 60 * ago for name, ago in minutes_ago.items()})


def forget_answers() -> None:
    """What was told is too old."""
    core_redis.client().delete(*core_redis.client().keys("once:*"))


def text(client: Client, address: str = FIGURES) -> str:
    """What the page says."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("address", [PAGE, FIGURES])
def test_only_staff_with_the_permission_are_let_in(address: str) -> None:
    assert Client().get(address).headers["Location"] == f"/admin/login/?next={address}"
    assert logged_in(UserFactory()).get(address).status_code == 302
    assert logged_in(member()).get(address).status_code == 403
    assert logged_in(member(FIGURES_ONLY)).get(address).status_code == 200


def test_the_sidebar_leads_there_only_those_who_may(staff: Client) -> None:
    assert 'href="/admin/live/"' in text(staff, "/admin/")
    assert 'href="/admin/live/"' not in text(logged_in(member()), "/admin/")


def test_the_page_is_complete_without_a_script(staff: Client) -> None:
    seen(a=1)
    page = text(staff, PAGE)
    assert "As of 14:05:00 UTC" in page
    assert "<dd>1</dd>" in page
    assert "<noscript>" in page


def test_visitors_are_counted_once_over_each_window(staff: Client) -> None:
    seen(a=0.5, b=4, c=6, d=29, e=31)
    for ago in (1, 2, 3):
        RealtimeMetrics.objects.create(minute=NOW - timedelta(minutes=ago), active_users=4, users_per_minute=3)
    said = text(staff)
    assert "here now <span>last 5 minutes</span></dt><dd>2</dd>" in said
    assert "visitors <span>last 30 minutes</span></dt><dd>4</dd>" in said


def test_bars_say_what_nobody_has_counted(staff: Client) -> None:
    seen(a=0, b=0)
    for ago, visits in ((3, 31), (2, 0), (31, 99)):
        minute = NOW - timedelta(minutes=ago)
        RealtimeMetrics.objects.create(minute=minute, active_users=40, users_per_minute=visits)
    said = text(staff)
    assert '<p class="ff-sentence">Now 2, most 31 at 14:02. 27 of 30 minutes were not counted.</p>' in said
    assert said.count("<rect") == 3
    assert '<th scope="row">14:01</th><td class="ff-number">not counted</td>' in said


def test_carts_checkouts_and_pages_are_of_visits_that_count(staff: Client) -> None:
    lately, long_ago = NOW - timedelta(minutes=4), NOW - timedelta(minutes=11)
    one, crawler = visit(lately), visit(lately, is_bot=True)
    for event_type in ("page_view", "page_view", "add_to_cart", "add_to_cart", "checkout_started"):
        event(one, event_type, page="/<b>mug")
    event(crawler, "add_to_cart"), event(visit(long_ago), "checkout_started"), event(visit(lately), "add_to_cart")
    said = text(staff)
    assert "carts filled <span>last 10 minutes</span></dt><dd>2</dd>" in said
    assert "checkouts begun <span>last 10 minutes</span></dt><dd>1</dd>" in said
    assert '/&lt;b&gt;mug</th><td class="ff-number">1</td>' in said


@pytest.mark.parametrize("counts_unconfirmed", [True, False])
def test_pages_are_those_that_counted_visits_saw_by_their_script_or_without_one(
    settings: LazySettings, counts_unconfirmed: bool
) -> None:
    settings.COUNT_UNCONFIRMED_SESSIONS = counts_unconfirmed
    lately = NOW - timedelta(minutes=4)
    scripted, plain = visit(lately, script_page_views=1), visit(lately, script_page_views=0, unconfirmed=True)
    for session, source, page in (
        (scripted, "script", "/mug"),
        (scripted, "api", "/api-of-mug"),
        (plain, "api", "/plain"),
        (visit(lately, is_bot=True), "script", "/bot"),
    ):
        event(session, "page_view", source=source, page=page)
    wanted = [("/mug", 1), *([("/plain", 1)] if counts_unconfirmed else [])]
    assert [(each.page, each.visits) for each in pages_now(NOW)] == wanted
    assert [(each["page"], each["sessions"]) for each in stats.realtime(now=NOW)["top_pages"]] == wanted


def test_orders_are_those_of_the_shops_day_the_newest_first() -> None:
    first, last = purchase(visit(at(9), channel="e-mail"), paid=at(10)), purchase(None, placed_at=at(14))
    purchase(visit(at(23) - timedelta(days=1)))
    said = text(logged_in(member(FIGURES_ONLY, "orders.view_order")))
    assert re.findall(r">(ORD-\d+)<", said) == [last.number, first.number]
    assert "<td>Paid</td><td>e-mail</td>" in said
    assert "<td>Waiting for payment</td><td>no visit</td>" in said
    assert f'href="/admin/orders/order/{first.pk}/change/"' in said


def test_what_a_viewer_may_not_see_is_not_there(staff: Client) -> None:
    order = purchase(visit(at(9)), subtotal=77)
    said = text(staff)
    assert "<td>Waiting for payment</td>" in said
    for secret in (order.number, str(order.pk), "£77", order.email, order.last_name, str(order.visitor_session_id)):
        assert secret not in said


def test_visits_are_linked_for_those_who_may_view_them() -> None:
    came = visit(at(9))
    purchase(came)
    link = f'href="/admin/sessions_app/visitorsession/{came.pk}/change/"'
    assert link in text(logged_in(member(FIGURES_ONLY, "sessions_app.view_visitorsession")))


def test_twenty_orders_at_most_are_listed(staff: Client) -> None:
    for minute in range(21):
        purchase(None, placed_at=at(9, minute))
    assert text(staff).count("data-order=") == 20


def test_todays_totals_are_the_dashboards(staff: Client) -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=77), visit(at(11)), visit(at(15))
    said = text(staff)
    assert "until 14:05 UTC" in said
    assert "<dt>visits</dt><dd>2</dd>" in said
    assert "<dt>sales</dt><dd>£77.00</dd>" in said


def test_an_answer_is_sent_again_only_when_something_on_it_has_changed(staff: Client) -> None:
    visit(at(9))
    first = staff.get(FIGURES)
    unchanged = staff.get(FIGURES, headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["Age"]) == (304, b"", "0")
    forget_answers()
    seen(a=0)
    assert staff.get(FIGURES, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_one_viewers_version_is_not_anothers(staff: Client) -> None:
    purchase(visit(at(9)))
    version = staff.get(FIGURES).headers["ETag"]
    other = logged_in(member(FIGURES_ONLY, "orders.view_order"))
    assert other.get(FIGURES, headers={"If-None-Match": version}).status_code == 200


def test_the_shop_is_asked_once_for_all_viewers(
    staff: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visit(at(9))
    seen(a=1)
    other = logged_in(member(FIGURES_ONLY, "orders.view_order"))
    with django_assert_num_queries(7):
        staff.get(FIGURES)
    with django_assert_num_queries(2):
        other.get(FIGURES)


def test_postgresql_answers_while_redis_is_away(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    visit(NOW - timedelta(minutes=10)), visit(NOW - timedelta(minutes=2))
    said = text(staff, PAGE)
    assert "here now <span>last 5 minutes</span></dt><dd>1</dd>" in said
    assert "visitors <span>last 30 minutes</span></dt><dd>2</dd>" in said


def test_an_empty_shop_says_the_next_step(staff: Client) -> None:
    assert "No visits yet" in text(staff, PAGE)
    forget_answers()
    visit(at(9) - timedelta(days=3))
    assert "Nobody was here in the last 30 minutes." in text(staff, PAGE)
