"""The pages of a visit and of a visitor: what they tell, and to whom."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.test import Client

from core import redis as core_redis
from core.clock import now
from sessions_app import visit_page
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import ConsentRecord, SessionEvent, VisitorSession
from sessions_app.services import mark_ordered
from sessions_app.state import append
from tests.admin_lists import list_of, queries_of
from tests.analytics.staff import logged_in, member
from tests.factories import (
    NOW,
    CustomerFactory,
    OrderFactory,
    ProductFactory,
    SessionEventFactory,
    VisitorSessionFactory,
)

pytestmark = pytest.mark.django_db
VISITS = "sessions_app.view_visitorsession"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def visit() -> VisitorSession:
    """A paid visit of a customer with a campaign, a product view and a login."""
    order = OrderFactory.create(number="ORD-0WANTED000", paid=True, subtotal=42)
    visit = VisitorSessionFactory.create(
        customer=order.customer,
        consent="granted",
        ip_prefix="203.0.113.0/24",
        utm_campaign="spring",
        touches=[{"at": NOW.isoformat(), "channel": "e-mail", "utm_campaign": "spring"}],
        order_id=order.pk,
        converted=True,
        converted_at=NOW + timedelta(minutes=5),
        events_count=2,
    )
    order.visitor_session = visit
    order.save(update_fields=["visitor_session"])
    product = ProductFactory.create(name="Blue mug")
    SessionEventFactory.create(session=visit, event_type="product_view", product_id=product.pk, page="/p/blue-mug")
    SessionEventFactory.create(session=visit, event_type="customer_login", timestamp=NOW + timedelta(minutes=1))
    ConsentRecord.objects.create(
        visitor_id=visit.visitor_id, session_id=visit.pk, choice="granted", policy_version="policy-7", created_at=NOW
    )
    return visit


def visit_address(visit: VisitorSession) -> str:
    return f"/admin/sessions_app/visitorsession/{visit.pk}/change/"


def visitor_address(visit: VisitorSession) -> str:
    return f"/admin/sessions_app/visitorsession/visitor/{visit.visitor_id}/"


def seen(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


# Who sees what --------------------------------------------------------------------------------------------------------

OWN: dict[str, dict[str, str]] = {
    "sessions_app.view_sessionevent": {"visit": "/p/blue-mug"},
    "orders.view_order": {"visit": "/admin/orders/order/", "visitor": "ORD-0WANTED000"},
    "customers.view_customer": {"visit": "/admin/customers/customer/", "visitor": "/admin/customers/customer/"},
    "sessions_app.view_consentrecord": {"visitor": "policy-7"},
}
"""What of each page needs a permission beside that of visits."""


@pytest.mark.parametrize(
    "granted", [*combinations(OWN, 2), (), tuple(OWN)], ids=lambda names: "+".join(names) or "none"
)
def test_what_one_may_not_see_is_not_there(visit: VisitorSession, granted: tuple[str, ...]) -> None:
    client = logged_in(member(VISITS, *granted))
    pages = {"visit": seen(client, visit_address(visit)), "visitor": seen(client, visitor_address(visit))}
    for permission, texts in OWN.items():
        for page, text in texts.items():
            assert (text in pages[page]) == (permission in granted), (permission, page)
    if "orders.view_order" not in granted:
        assert not any(secret in page for secret in ("£42", str(visit.order_id)) for page in pages.values())
    if "customers.view_customer" not in granted and visit.customer:
        assert not any(visit.customer.email in page for page in pages.values())


@pytest.mark.parametrize("address", [visit_address, visitor_address])
def test_visits_are_for_staff_who_may_see_them(client: Client, visit: VisitorSession, address: Any) -> None:
    assert logged_in(member(*OWN)).get(address(visit)).status_code == 403
    assert client.get(address(visit)).headers["Location"].startswith("/admin/login/")


def test_a_product_is_a_link_for_those_who_may_see_products(visit: VisitorSession) -> None:
    events = (VISITS, "sessions_app.view_sessionevent")
    assert "/admin/catalog/product/" in seen(logged_in(member(*events, "catalog.view_product")), visit_address(visit))
    page = seen(logged_in(member(*events)), visit_address(visit))
    assert "Blue mug" in page
    assert "/admin/catalog/product/" not in page


def test_the_list_has_the_order_only_for_those_who_may_see_it(visit: VisitorSession) -> None:
    for granted in ([], ["orders.view_order"]):
        page = list_of(logged_in(member(VISITS, *granted)), "sessions_app/visitorsession")
        assert (str(visit.order_id) in page) == bool(granted)
        assert visitor_address(visit) in page


def test_a_visit_is_found_by_an_address_only_by_those_who_may_see_customers(visit: VisitorSession) -> None:
    for granted in ([], ["customers.view_customer"]):
        page = list_of(logged_in(member(VISITS, *granted)), "sessions_app/visitorsession", q="customer")
        assert (visitor_address(visit) in page) == bool(granted)


def test_the_page_of_a_customer_leads_to_the_visits_for_those_who_may_see_them(visit: VisitorSession) -> None:
    for granted in ([], [VISITS]):
        client = logged_in(member("customers.view_customer", *granted))
        page = seen(client, f"/admin/customers/customer/{visit.customer_id}/change/")
        assert (f"visitorsession/?customer__id__exact={visit.customer_id}" in page) == bool(granted)
        assert "/admin/orders/order/" not in page


# A visit --------------------------------------------------------------------------------------------------------------


def test_a_visit_tells_all_that_happened_in_order_and_what_is_on_its_way(admin_client: Client) -> None:
    visit = VisitorSessionFactory.create(started_at=now() - timedelta(minutes=5), events_count=1)
    SessionEventFactory.create(session=visit, event_type="swirl", metadata={"by": "mai@example.com"})
    append([event_entry(Event("add_to_cart", Source.SCRIPT, now(), page="/cart"), visit.pk)])
    page = seen(admin_client, visit_address(visit))
    places = [page.index(text) for text in ("visit began", ">swirl<", ">add to cart<", ">/cart<", "still on its way")]
    assert places == sorted(places)
    assert "by mai@example.com" not in page  # a browser's word for who did it is a detail like others


def test_a_visit_is_told_without_redis(
    admin_client: Client, visit: VisitorSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    page = seen(admin_client, visit_address(visit))
    assert "Redis is away" in page
    assert "/p/blue-mug" in page


def test_a_visit_of_hostile_words_shows_them_as_text(admin_client: Client) -> None:
    columns = ("utm_source", "utm_campaign", "landing_page", "referrer", "user_agent", "city", "browser")
    touch = {"at": HOSTILE, "channel": HOSTILE, "utm_campaign": HOSTILE, "referrer": "javascript:alert(1)"}
    visit = VisitorSessionFactory.create(**dict.fromkeys(columns, HOSTILE), touches=[touch])
    SessionEventFactory.create(
        session=visit, event_type=HOSTILE, page=HOSTILE, metadata={HOSTILE: [HOSTILE], "text": HOSTILE}
    )
    for address in (visit_address(visit), visitor_address(visit), "/admin/sessions_app/visitorsession/"):
        page = seen(admin_client, address)
        assert HOSTILE not in page
        assert 'href="javascript' not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_long_visit_is_told_in_pages_that_leave_nothing_out(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit_page, "SHOWN", 2)
    visit = VisitorSessionFactory.create(
        events_count=5, last_seen_at=NOW + timedelta(hours=1), ended_at=NOW + timedelta(hours=1)
    )
    for number in range(5):
        SessionEventFactory.create(session=visit, page=f"/page-{number}", timestamp=NOW + timedelta(minutes=number))
    told = [seen(admin_client, f"{visit_address(visit)}?events={number}") for number in (1, 2, 3)]
    found = [
        [text for text in ("visit began", *(f"/page-{n}" for n in range(5)), "visit ended") if text in page]
        for page in told
    ]
    assert found == [["/page-3", "/page-4", "visit ended"], ["/page-1", "/page-2"], ["visit began", "/page-0"]]
    assert ['href="?events=2"' in told[0], 'href="?events=1"' in told[1], "Older events" in told[2]] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 40, "2000", "²"])
def test_a_page_that_is_none_is_no_error(admin_client: Client, visit: VisitorSession, number: str) -> None:
    assert admin_client.get(visit_address(visit), {"events": number}).status_code == 200
    assert admin_client.get(visitor_address(visit), {"visits": number}).status_code == 200


def test_the_page_of_a_visit_takes_as_many_queries_for_30_events_as_for_3(admin_client: Client) -> None:
    visit = VisitorSessionFactory.create(touches=[{"at": NOW.isoformat(), "channel": "direct"}, {"channel": "e-mail"}])
    page = f"sessions_app/visitorsession/{visit.pk}/change"
    list_of(admin_client, page)  # content types are cached from here on
    counts = []
    for more in (3, 27):
        for _event in range(more):
            SessionEventFactory.create(session=visit, product_id=ProductFactory.create().pk)
        counts.append(queries_of(admin_client, page))
    assert counts == [7, 7]


# A visitor ------------------------------------------------------------------------------------------------------------


def test_a_visitor_has_visits_orders_arrivals_and_choices(admin_client: Client, visit: VisitorSession) -> None:
    for number in range(50):
        VisitorSessionFactory.create(
            visitor_id=visit.visitor_id, landing_page=f"/later-{number}", started_at=NOW + timedelta(hours=number + 1)
        )
    page = seen(admin_client, visitor_address(visit))
    shown = (
        "10 Mar 2026 12:00:00",
        "<dd>51</dd>",
        "/later-49",
        "ORD-0WANTED000",
        "1 paid, £42.00",
        "spring",
        "policy-7",
    )
    assert [text for text in shown if text not in page] == []
    assert page.index("/later-49") < page.index("/later-0<")
    assert visit_address(visit) not in page
    assert visit_address(visit) in seen(admin_client, f"{visitor_address(visit)}?visits=2")


def test_an_id_that_holds_for_one_day_says_so(admin_client: Client, visit: VisitorSession) -> None:
    assert "holds for one day" in seen(admin_client, visitor_address(VisitorSessionFactory.create()))
    assert "holds for one day" not in seen(admin_client, visitor_address(visit))


def test_a_visitor_whom_nobody_knows_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(f"/admin/sessions_app/visitorsession/visitor/{uuid.uuid4()}/").status_code == 404


def test_the_page_of_a_visitor_takes_as_many_queries_for_30_visits_as_for_3(admin_client: Client) -> None:
    visitor_id = uuid.uuid4()
    counts = []
    for more in (3, 27):
        for _visit in range(more):
            visit = VisitorSessionFactory.create(visitor_id=visitor_id, customer=CustomerFactory.create())
            order = OrderFactory.create(visitor_session=visit, paid=True)
            mark_ordered(session_id=visit.pk, order_id=order.pk)
        counts.append(queries_of(admin_client, f"sessions_app/visitorsession/visitor/{visitor_id}"))
    assert counts == [8, 8]
    assert SessionEvent.objects.count() == 0
