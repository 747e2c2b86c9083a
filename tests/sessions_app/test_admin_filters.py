"""The list of visits, by what a figure says of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.test import Client, RequestFactory

from core.admin import finding
from sessions_app.admin_links import visits_link
from sessions_app.dimensions import Dimension, Step
from sessions_app.models import VisitorSession
from tests.admin_lists import list_of, queries_of
from tests.factories import NOW, ProductFactory, SessionEventFactory, UserFactory, VisitorSessionFactory

pytestmark = pytest.mark.django_db
LIST = "sessions_app/visitorsession"
HOUR = timedelta(hours=1)


def listed(address: str) -> set[VisitorSession]:
    """The visits that a list shows."""
    request = RequestFactory().get(address)
    request.user = UserFactory.create(is_staff=True, is_superuser=True)
    return set(site.get_model_admin(VisitorSession).get_changelist_instance(request).result_list)


def found(**filters: str) -> set[VisitorSession]:
    return listed(
        visits_link({Dimension(name): value for name, value in filters.items()}, NOW - HOUR, NOW + HOUR, Step.VISIT)
    )


@pytest.mark.parametrize(
    ("dimension", "column", "value"),
    [
        ("channel", "channel", "e-mail"),
        ("source", "utm_source", "newsletter"),
        ("medium", "utm_medium", "mail"),
        ("campaign", "utm_campaign", "100 % <off> & 'more'"),
        ("referrer", "referrer_host", "news.example"),
        ("landing_page", "landing_page", "/" + 600 * "x"),
        ("country", "country", "VN"),
        ("city", "city", "Huế"),
        ("device", "device", "mobile"),
        ("browser", "browser", "Firefox"),
        ("os", "os", "Linux"),
    ],
)
def test_visits_are_listed_by_each_dimension_of_theirs(dimension: str, column: str, value: str) -> None:
    wanted = VisitorSessionFactory.create(**{column: value})
    VisitorSessionFactory.create()
    assert found(**{dimension: value}) == {wanted}


def test_visits_are_listed_by_a_product_and_a_page_that_were_looked_at() -> None:
    product = uuid.uuid4()
    wanted = SessionEventFactory.create(event_type="product_view", product_id=product, page="/p").session
    SessionEventFactory.create(session=wanted, page="/about")
    SessionEventFactory.create(page="/p")
    assert found(product=str(product)) == {wanted}
    assert found(page="/about", product=str(product)) == {wanted}
    assert found(page="/p", product=str(product)) == found(product="a mug") == set()


def test_none_is_a_value_that_visits_leave_empty_or_call_so() -> None:
    wanted = {VisitorSessionFactory.create(), VisitorSessionFactory.create(utm_source="(none)")}
    VisitorSessionFactory.create(utm_source="newsletter")
    assert found(source="(none)") == wanted


def test_the_link_of_a_figure_lists_what_began_in_time_came_so_far_and_is_counted(settings: Any) -> None:
    begun = {"cart_additions": 1, "utm_source": "a"}
    wanted = [
        VisitorSessionFactory.create(started_at=at, **begun) for at in (NOW, NOW + HOUR - timedelta(microseconds=1))
    ]
    unconfirmed = VisitorSessionFactory.create(**begun, unconfirmed=True)
    VisitorSessionFactory.create(**begun, is_bot=True)
    VisitorSessionFactory.create(utm_source="a")
    VisitorSessionFactory.create(started_at=NOW - timedelta(microseconds=1), **begun)
    VisitorSessionFactory.create(started_at=NOW + HOUR, **begun)
    address = visits_link({Dimension.SOURCE: "a"}, NOW, NOW + HOUR, Step.CART)
    settings.COUNT_UNCONFIRMED_SESSIONS = False
    assert listed(address) == set(wanted)
    settings.COUNT_UNCONFIRMED_SESSIONS = True
    assert listed(address) == {*wanted, unconfirmed}


def test_days_in_the_address_are_the_shops_and_the_last_is_in(settings: Any) -> None:
    settings.SHOP_TIME_ZONE = "Asia/Ho_Chi_Minh"
    midnight = datetime(2026, 3, 9, 17, tzinfo=UTC)
    wanted = [VisitorSessionFactory.create(started_at=at) for at in (midnight, midnight + 23 * HOUR)]
    VisitorSessionFactory.create(started_at=midnight - HOUR)
    VisitorSessionFactory.create(started_at=midnight + 24 * HOUR)
    assert listed("/?from=2026-03-10&to=2026-03-10") == set(wanted)


@pytest.mark.parametrize("asked", [{"reached": "moon"}, {"from": "soon"}, {"to": "2026-02-31"}, {"to": "9999-12-31"}])
def test_what_cannot_be_asked_for_is_refused_as_lists_do(admin_client: Client, asked: dict[str, str]) -> None:
    answer = admin_client.get(f"/admin/{LIST}/", asked)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/{LIST}/?e=1")


def test_each_filter_stands_above_the_list_and_can_be_taken_away(admin_client: Client) -> None:
    mug = ProductFactory.create(name="Mug <b>")
    asked = {
        "source": "<script>alert(1)</script>",
        "product": str(mug.pk),
        "reached": "cart",
        "device__exact": "mobile",
    }
    page = list_of(admin_client, LIST, **asked, **{"from": "2026-03-10", "to": "2026-03-11T12:30:00Z"})
    shown = (
        "&lt;script&gt;alert(1)",
        "Mug &lt;b&gt;",
        "to the cart",
        "Device: <strong>mobile",
        "10 Mar 2026 – 11 Mar 2026 12:30",
    )
    assert [text for text in shown if text not in page] == []
    assert "<script>alert(1)" not in page
    assert (
        f'href="?source=%3Cscript%3Ealert%281%29%3C%2Fscript%3E&amp;product={mug.pk}&amp;device__exact=mobile&amp;from='
        in page
    )


def test_visits_of_a_page_are_those_of_28_days_unless_the_address_says_otherwise(admin_client: Client) -> None:
    SessionEventFactory.create(page="/about", session=VisitorSessionFactory.create(landing_page="/long-ago"))
    page = list_of(admin_client, LIST, page="/about")
    assert "/long-ago" not in page
    assert page.count('aria-label="Without ') == 1  # that of the page; what nobody asked for cannot be taken away
    assert "/long-ago" in list_of(admin_client, LIST, page="/about", **{"from": "2026-03-01"})


def test_a_filtered_list_takes_one_query_more_than_others(admin_client: Client) -> None:
    for _visit in range(30):
        SessionEventFactory.create(page="/about", session=VisitorSessionFactory.create(utm_source="a"))
    address = visits_link({Dimension.SOURCE: "a", Dimension.PAGE: "/about"}, NOW, NOW + HOUR, Step.VISIT)
    assert queries_of(admin_client, f"{LIST}/{address.partition('/visitorsession/')[2]}") == 4


def test_many_visits_are_listed_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {VisitorSessionFactory.create(utm_source="a") for _visit in range(3)}
    VisitorSessionFactory.create()
    monkeypatch.setattr(finding, "FOUND", 2)
    assert found(source="a") == wanted
