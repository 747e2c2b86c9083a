"""Which requests have a visit, and what a known one costs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import redis as core_redis
from sessions_app.ingest import flush
from sessions_app.models import CrawlerDay, VisitorSession
from sessions_app.tokens import SESSION_COOKIE
from tests.billing_server import BillingService
from tests.browsers import CHROME, CRAWLER
from tests.factories import ProductFactory
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db
CURRENT = "/api/v1/storefront/session/current"
TRACK = "/api/v1/analytics/track"
STRANGER = "https://stranger.example"


@pytest.fixture
def browser() -> Client:
    """Somebody's browser."""
    return Client(headers={"user-agent": CHROME})


def session_of(client: Client) -> dict[str, object]:
    session: dict[str, object] = client.get(CURRENT).json()["data"]["session"]
    return session


def test_two_requests_are_one_visit(browser: Client) -> None:
    assert session_of(browser)["sessionId"] == session_of(browser)["sessionId"]


def test_the_cookie_is_sent_once(browser: Client) -> None:
    assert SESSION_COOKIE in browser.get(CURRENT).cookies
    assert SESSION_COOKIE not in browser.get(CURRENT).cookies


@pytest.mark.parametrize("spoil", [lambda v: v[:-1] + "x", lambda v: v[:20], lambda v: "x" * 5000, lambda v: ""])
def test_a_spoilt_cookie_begins_a_new_visit(browser: Client, spoil: object) -> None:
    first = session_of(browser)["sessionId"]
    browser.cookies[SESSION_COOKIE] = spoil(browser.cookies[SESSION_COOKIE].value)  # type: ignore[operator]
    assert session_of(browser)["sessionId"] != first


def test_the_header_carries_the_session_too(browser: Client) -> None:
    first = session_of(browser)
    app = Client(headers={"user-agent": "ShopApp/1.0", "x-visitor-session": str(first["token"])})
    assert session_of(app)["sessionId"] == first["sessionId"]


def test_a_known_visit_costs_one_round_trip_and_no_sql(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    product = ProductFactory()
    path = f"/api/v1/storefront/products/{product.slug}"
    browser.get(path)
    trips: list[Callable[[object], object]] = []

    def counted(work: Callable[[object], object]) -> object:
        trips.append(work)
        return core_redis.breaker.call(work)

    monkeypatch.setattr(core_redis, "call", counted)
    with CaptureQueriesContext(connection) as queries:
        browser.get(path)
    assert len(trips) == 1
    assert [query["sql"] for query in queries if "catalog_product" not in query["sql"]] == []


def test_page_views_are_read_back_at_once(browser: Client) -> None:
    for _ in range(3):
        browser.get("/api/v1/storefront/products")
    assert session_of(browser)["pageViews"] == 3


def test_a_page_is_counted_once_when_script_and_api_both_see_it(browser: Client) -> None:
    browser.get("/api/v1/storefront/products")
    browser.post(TRACK, {"eventType": "page_view", "page": "/"}, content_type="application/json")
    assert session_of(browser)["pageViews"] == 1


def test_a_crawler_leaves_no_session(client: Client) -> None:
    answer = client.get("/api/v1/storefront/products", headers={"user-agent": CRAWLER})
    assert SESSION_COOKIE not in answer.cookies
    assert core_redis.client().keys("session:*") == []


def test_crawlers_are_counted_by_the_shops_day(client: Client, settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Pacific/Auckland"
    with time_machine.travel(datetime(2026, 11, 20, 15, tzinfo=UTC)):
        client.get("/api/v1/storefront/products", headers={"user-agent": CRAWLER})
    flush(consumer="test")
    assert CrawlerDay.objects.get().day == date(2026, 11, 21)


def test_whoever_shows_a_session_is_no_crawler(browser: Client) -> None:
    token = str(session_of(browser)["token"])
    app = Client(headers={"user-agent": CRAWLER, "x-visitor-session": token})
    app.get("/api/v1/storefront/products")
    assert session_of(app)["pageViews"] == 1


DEEDS = {
    "auth/register": {"email": "ada@example.com", "password": "correct-horse-4", "firstName": "A", "lastName": "B"},
    "auth/password/reset": {"email": "ada@example.com"},
}


@pytest.mark.parametrize("flushed", [False, True], ids=["on its way", "stored"])
@pytest.mark.parametrize("deed", DEEDS)
def test_whoever_posts_something_is_no_program_that_only_reads(browser: Client, deed: str, flushed: bool) -> None:
    session_of(browser)
    if flushed:
        flush(consumer="test")
    answer = browser.post(f"/api/v1/storefront/{deed}", DEEDS[deed], content_type="application/json")
    flush(consumer="test")
    assert answer.status_code == 202
    assert VisitorSession.objects.get().unconfirmed is False


def test_whoever_cancels_by_a_link_is_no_program_that_only_reads(
    transactional_db: None, world: World, billing: BillingService, shopper: Shopper
) -> None:
    bought = shopper.buy(world)
    later = Shopper()
    visit = later.visit()["sessionId"]
    path = f"/orders/{bought['order']['orderId']}/cancel"
    assert later.post(path, **{"X-Order-Token": bought["orderToken"]}).status_code == 200
    flush(consumer="test")
    assert VisitorSession.objects.get(pk=visit).unconfirmed is False


def test_a_post_that_is_refused_confirms_nobody(browser: Client) -> None:
    session_of(browser)
    answer = browser.post("/api/v1/storefront/auth/register", {}, content_type="application/json")
    flush(consumer="test")
    assert (answer.status_code, VisitorSession.objects.get().unconfirmed) == (400, True)


def test_a_session_that_a_server_began_is_confirmed_by_what_its_visitor_does(browser: Client) -> None:
    browser.post("/api/v1/storefront/session", {"landingPage": "/"}, content_type="application/json")
    flush(consumer="test")
    assert VisitorSession.objects.get().unconfirmed is True


def test_an_unknown_path_begins_no_visit(browser: Client) -> None:
    assert SESSION_COOKIE not in browser.get("/api/v1/nothing-here").cookies


def test_without_redis_the_visit_goes_on_in_postgresql(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    browser.get("/api/v1/storefront/products")
    session = session_of(browser)
    assert session["pageViews"] == 1
    assert VisitorSession.objects.get().pk.hex == str(session["sessionId"]).replace("-", "")


def test_a_session_that_redis_lost_is_brought_back(browser: Client) -> None:
    first = session_of(browser)["sessionId"]
    flush(consumer="test")
    core_redis.client().flushdb()
    assert session_of(browser)["sessionId"] == first


def test_a_cleared_session_stays_cleared(browser: Client) -> None:
    first = session_of(browser)
    browser.post("/api/v1/storefront/session/clear")
    again = Client(headers={"user-agent": CHROME, "x-visitor-session": str(first["token"])})
    assert session_of(again)["sessionId"] != first["sessionId"]


def test_what_a_browser_asks_at_once_before_it_has_a_cookie_is_one_visit(transactional_db: None) -> None:
    tabs = [Client(headers={"user-agent": CHROME}) for _ in range(6)]
    with ThreadPoolExecutor(len(tabs)) as threads:
        answers = list(threads.map(look_and_leave, tabs))
    flush(consumer="test")
    assert VisitorSession.objects.get().api_page_views == len(tabs)
    assert sum(SESSION_COOKIE in answer.cookies for answer in answers) == 1


def test_a_visit_that_two_requests_began_came_from_where_the_script_says(transactional_db: None) -> None:
    Client(headers={"user-agent": CHROME}).get("/api/v1/storefront/products")
    event = {
        "eventType": "page_view",
        "page": "/?utm_source=news&utm_medium=email",
        "referrer": "https://mail.example/",
    }
    Client(headers={"user-agent": CHROME}).post(TRACK, event, content_type="application/json")
    flush(consumer="test")
    visit = VisitorSession.objects.get()
    assert (visit.channel, visit.utm_source, len(visit.touches)) == ("e-mail", "news", 1)


@pytest.mark.parametrize(("page", "arrivals"), [("/?utm_source=news", 1), ("/?utm_source=flyer", 2)])
def test_an_arrival_that_page_and_script_show_is_one(page: str, arrivals: int, browser: Client) -> None:
    browser.get("/api/v1/storefront/products", headers={"referer": "http://testserver/?utm_source=news"})
    browser.post(TRACK, {"eventType": "page_view", "page": page}, content_type="application/json")
    flush(consumer="test")
    assert len(VisitorSession.objects.get().touches) == arrivals


@pytest.mark.parametrize(("listed", "visits"), [(False, 1), (True, 2)])
def test_what_a_page_sends_again_that_cannot_read_the_answer_begins_no_other_visit(
    listed: bool, visits: int, settings: LazySettings, transactional_db: None
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [STRANGER] if listed else []
    event = {"eventType": "page_view", "eventId": str(uuid4()), "page": "/"}
    for agent in (CHROME, CHROME.replace("X11; Linux x86_64", "Windows NT 10.0")):  # nor by who arrived a moment ago
        Client(headers={"user-agent": agent, "origin": STRANGER}).post(TRACK, event, content_type="application/json")
    flush(consumer="test")
    assert VisitorSession.objects.count() == visits


def look_and_leave(client: Client) -> Any:
    try:
        return client.get("/api/v1/storefront/products")
    finally:
        connection.close()


def test_control_a_browser_of_another_kind_is_another_visit(transactional_db: None) -> None:
    for agent in (CHROME, CHROME.replace("X11; Linux x86_64", "Windows NT 10.0")):
        Client(headers={"user-agent": agent}).get("/api/v1/storefront/products")
    flush(consumer="test")
    assert VisitorSession.objects.count() == 2


def test_nobody_is_told_of_a_visit_that_they_cannot_show(browser: Client) -> None:
    browser.get("/api/v1/storefront/products")
    neighbour = Client(headers={"user-agent": CHROME})
    neighbour.get("/api/v1/storefront/products")
    assert session_of(neighbour)["sessionId"] != session_of(browser)["sessionId"]


def test_a_crawler_that_asks_for_its_session_is_answered_one_that_nobody_keeps() -> None:
    crawler = Client(headers={"user-agent": CRAWLER})
    answer = crawler.get(CURRENT)
    assert (answer.status_code, answer.cookies) == (200, {})
    flush(consumer="test")
    assert not VisitorSession.objects.exists()
    assert core_redis.client().zcard("sessions:{visits}") == 0
