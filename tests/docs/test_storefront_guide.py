"""docs/storefront.md is true: its requests are made, its snippets are run, its paths and codes exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import playwright
import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from playwright.sync_api import Page, Response
from pytest_django.live_server_helper import LiveServer

from checkout.services.idle import expire_idle
from core.api import CODES
from core.clock import now
from core.errors import DomainError
from orders.models import Order, PaymentAttempt
from orders.services.desk.fulfilment import Parcel, fulfil
from sessions_app import visits
from sessions_app.agents import parse
from sessions_app.ingest import flush
from sessions_app.models import SessionEvent, VisitorSession
from tests.billing_server import BillingService
from tests.browsers import CHROME, CRAWLER
from tests.checkout.leaving import HOUR, remind, sent
from tests.customers.member import mails, token_in
from tests.docs import guide
from tests.docs.guide import API, Exchange, Happening, Known, Message
from tests.factories import CouponFactory, ProductFactory
from tests.sessions_app.tracker.site import Site, serving
from tests.sessions_app.tracker.visitor import launched
from tests.world import Shopper, World, cart, report

SHOP = "https://shop.example.com"
STRANGER = "https://stranger.example"
PREFIX = "/api/v1"
PATHS = re.compile(r"(?<![\w.])/(?:api/v1/)?(?:storefront|checkout|orders|analytics|docs|schema)\b[\w/{}-]*")
CODES_IN_TABLE = re.compile(r"^\| [\d, ]+ \| (`.*?) \|", re.M)
BROWSER_MS = 15_000


@pytest.fixture
def shop(transactional_db: None, live_server: LiveServer, settings: LazySettings) -> str:
    """The address of a shop that answers over HTTP, set up as the guide says."""
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    settings.TRUSTED_PROXY_COUNT = 1
    address: str = live_server.url
    return address


@pytest.fixture
def goods(shop: str) -> World:
    """What the guide's shoppers buy."""
    CouponFactory(code="WELCOME10")
    mug = ProductFactory(slug="mug", sku="MUG-1", name="Mug", price=Decimal("20.00"), stock_quantity=10)
    return World(mug=mug)


# The requests


def test_every_request_is_answered_as_shown_and_by_the_schema(shop: str, goods: World, billing: BillingService) -> None:
    known = {name: str(uuid4()) for name in ("eventId", "key", "secondKey")} | {"now": datetime.now(UTC).isoformat()}
    differences: list[str] = []
    for step in guide.story():
        if isinstance(step, Exchange):
            answer = guide.send(shop, step.request, known)
            guide.check(step, answer, known)
            differences += guide.differences(step.request, answer, known)
        else:
            happen(step, billing, known)
    flush(consumer="test")
    assert SessionEvent.objects.filter(event_id=known["eventId"]).count() == 1
    assert not differences, "\n".join(differences)


def happen(step: Happening, billing: BillingService, known: Known) -> None:
    """What the guide says of shopper and billing."""
    match step.what:
        case "# The shopper declines.":
            report(PaymentAttempt.objects.get(status="open"), "failure")
        case "# The shopper pays.":
            report(PaymentAttempt.objects.get(status="open"), "success")
        case "# The shop sends the parcel.":
            send_parcel(Order.objects.get(status="success"))
        case "# Billing is away.":
            billing.knob("open", status=503)
        case "# The shopper leaves, and opens the reminder.":
            expire_idle(now=now() + HOUR / 2 + HOUR / 60)
            assert remind() == 1
            known["cartToken"] = str(sent()[-1].body).partition("#restore=")[2].split()[0]
        case "# Billing is back.":
            billing.well()
        case "# The shopper opens the mail.":
            message = mails()[-1]
            known["resetToken" if "/reset#" in message.body else "mailToken"] = token_in(message)
        case unknown:
            raise AssertionError(unknown)


def send_parcel(order: Order) -> None:
    """What staff do with a paid order."""
    parcel = Parcel("Royal Mail", "AB123456789GB", "https://track.example.com/AB123456789GB")
    for status in ("processing", "shipped"):
        fulfil(order_id=order.id, status=status, parcel=parcel, actor="ada@example.com", now=now())


def test_no_block_is_overlooked() -> None:
    assert len(guide.exchanges()) == guide.text().count("\nHTTP/1.1 ") >= 25
    methods = re.findall(r"^(?:GET|POST|PUT|PATCH|DELETE|OPTIONS) /", guide.text(), re.M)
    assert len(methods) == len(guide.exchanges())
    assert sum(isinstance(step, Happening) for step in guide.story()) == 8
    assert [len(guide.snippets(language)) for language in ("html", "js", "python")] == [1, 5, 1]


def test_an_answer_that_is_not_as_shown_is_noticed() -> None:
    shown = {"name": "{name}", "list": [{"id": "..."}]}
    known: Known = {}
    guide.compare(shown, {"name": "Mug", "list": [{"id": 1, "more": 2}], "more": 3}, known, "")
    assert known == {"name": "Mug"}
    for wrong in ({"name": "Tea", "list": [{"id": 1}]}, {"name": "Mug", "list": []}, {"name": "Mug", "list": [{}]}):
        with pytest.raises(AssertionError):
            guide.compare(shown, wrong, known, "")


@pytest.mark.parametrize("path", sorted(set(PATHS.findall(guide.text()))))
def test_every_path_exists(path: str) -> None:
    filled = re.sub(r"\{\w+\}", str(uuid4()), path)
    assert resolve(filled if filled.startswith(PREFIX) else PREFIX + filled)


def codes_in_guide() -> set[str]:
    """The codes of its table of errors."""
    return {code for cell in CODES_IN_TABLE.findall(guide.text()) for code in re.findall(r"`([A-Z_]+)`", cell)}


def kinds_of(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    """Every error of the rules."""
    yield kind
    for inner in kind.__subclasses__():
        yield from kinds_of(inner)


def test_every_code_of_the_shops_rules_is_in_the_table() -> None:
    desk = (
        "orders.services.attention",
        "orders.services.desk",
        "orders.outbox",
    )  # what staff do in the admin, which is no storefront's
    kinds = [kind for kind in kinds_of(DomainError) if not kind.__module__.startswith(desk)]
    of_rules = {kind.code for kind in kinds if kind.__module__.split(".")[0] != "tests"}
    assert of_rules - {"INVALID_CREDENTIALS"} <= codes_in_guide()  # that one is for billing's webhooks


def test_every_code_in_the_table_exists() -> None:
    plain = {"PAYLOAD_TOO_LARGE", "NOT_READY", "INTERNAL_ERROR", "CSRF_FAILED", "RESERVED_EVENT"}
    assert codes_in_guide() <= {kind.code for kind in kinds_of(DomainError)} | set(CODES.values()) | plain


@pytest.mark.parametrize("agent", re.findall(r"`(ShopApp/.*?)`", guide.text()))
def test_user_agents_of_apps_say_what_they_run_on(agent: str) -> None:
    read = parse(agent)
    assert (read.device, read.is_bot) == ("mobile", False)
    assert read.os in ("iOS", "Android")


# Another origin


def from_origin(shop: str, origin: str, first: str, body: str = "", **headers: str) -> guide.Answer:
    """A request that a page of this origin makes."""
    return guide.send(shop, Message(first, [("Origin", origin), *headers.items()], body), {})


def allowed(answer: guide.Answer) -> list[str]:
    """Its CORS headers."""
    return [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/checkout/initiate", "/analytics/track", "/storefront/session/consent"])
def test_a_preflight_of_a_stranger_allows_nothing(shop: str, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert allowed(from_origin(shop, SHOP, f"OPTIONS {PREFIX}{path}", **asked))
    assert allowed(from_origin(shop, STRANGER, f"OPTIONS {PREFIX}{path}", **asked)) == []


@pytest.mark.parametrize("path", ["/storefront/session", "/analytics/track"])
def test_an_answer_is_shown_to_listed_origins_alone(shop: str, path: str) -> None:
    body = json.dumps({"eventType": "search"})
    listed = from_origin(shop, SHOP, f"POST {PREFIX}{path}", body)
    assert listed.headers["Access-Control-Allow-Origin"] == SHOP
    assert listed.headers["Access-Control-Allow-Credentials"] == "true"
    assert allowed(from_origin(shop, STRANGER, f"POST {PREFIX}{path}", body)) == []


@pytest.mark.parametrize("same_session", [True, False], ids=["same session", "no session"])
def test_a_key_and_a_body_make_one_order_with_or_without_a_session(
    shop: str, goods: World, billing: BillingService, same_session: bool
) -> None:
    token = json.loads(from_origin(shop, SHOP, f"POST {PREFIX}/storefront/session", "{}").body)["data"]["session"][
        "token"
    ]
    headers = {"Idempotency-Key": "key"} | ({"X-Visitor-Session": token} if same_session else {})
    body = json.dumps({"cartItems": cart([(goods.mug, 1)])} | Shopper().buyer(goods) | {"email": "ada@example.com"})
    answers = [from_origin(shop, SHOP, f"POST {PREFIX}/orders/create-from-cart", body, **headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert json.loads(answers[1].body) == json.loads(answers[0].body)
    assert Order.objects.count() == 1


def test_events_of_a_stranger_are_taken_all_the_same(shop: str) -> None:
    body = json.dumps({"eventType": "search"})
    assert from_origin(shop, STRANGER, f"POST {PREFIX}/analytics/track", body).status == 202


def test_links_within_a_shop_are_referrals_unless_its_origin_is_listed(shop: str) -> None:
    for origin, referrer in ((SHOP, ""), (STRANGER, f"{STRANGER}/")):
        body = json.dumps({"landingPage": f"{origin}/mug", "referrer": f"{origin}/"})
        answer = from_origin(shop, origin, f"POST {PREFIX}/storefront/session", body)
        assert json.loads(answer.body)["data"]["session"]["referrer"] == referrer


def test_scripts_of_a_listed_origin_may_read_our_headers(shop: str) -> None:
    answer = from_origin(shop, SHOP, f"POST {PREFIX}/analytics/track", json.dumps({"eventType": "page_view"}))
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"retry-after", "x-request-id", "idempotent-replayed", "ratelimit", "ratelimit-policy"} <= set(
        exposed.split(", ")
    )


# The Django snippet


@pytest.fixture
def snippet(shop: str, settings: LazySettings) -> dict[str, Any]:
    """The guide's module, its middleware and its `call`."""
    settings.FOOTFALL_API, settings.SHOP_ORIGIN, settings.CONSENT_MODE = shop + PREFIX, SHOP, "opt_out"
    names: dict[str, Any] = {}
    exec(compile(guide.snippet("python", "class VisitMiddleware"), "footfall.py", "exec"), names)
    return names


def asked(cookie: str = "", agent: str = CHROME, **headers: str) -> HttpRequest:
    """A visitor asks the Django shop for a page."""
    request = RequestFactory(headers={"user-agent": agent, "host": "shop.example.com", **headers}).get(
        "/mug?utm_source=newsletter", secure=True, REMOTE_ADDR="203.0.113.9"
    )
    if cookie:
        request.COOKIES["visit"] = cookie
    return request


def served(snippet: dict[str, Any], request: HttpRequest) -> HttpResponse:
    """The page, through the guide's middleware."""
    answer: HttpResponse = snippet["VisitMiddleware"](lambda request: HttpResponse("Mug"))(request)
    return answer


def test_django_begins_a_session_with_what_the_visitor_shows(snippet: dict[str, Any]) -> None:
    answer = served(snippet, asked(referer=f"{SHOP}/"))
    assert answer.cookies["visit"]["httponly"]
    assert "private" in answer["Cache-Control"]
    flush(consumer="test")
    visit = VisitorSession.objects.get()
    assert (visit.landing_page, visit.utm_source, visit.referrer) == ("/mug", "newsletter", "")
    assert (visit.device, visit.user_agent, visit.ip_prefix) == ("desktop", CHROME, "203.0.113.0/24")


def test_django_goes_on_with_the_session_that_there_is(snippet: dict[str, Any]) -> None:
    token = served(snippet, asked()).cookies["visit"].value
    request = asked(cookie=token)
    assert served(snippet, request).cookies["visit"].value == token
    session = snippet["call"](request, "GET", "/storefront/session/current")["session"]
    assert session["token"] == token
    flush(consumer="test")
    assert VisitorSession.objects.count() == 1


def test_django_passes_privacy_signals_on(snippet: dict[str, Any]) -> None:
    served(snippet, asked(**{"sec-gpc": "1"}))
    flush(consumer="test")
    assert VisitorSession.objects.get().consent == "denied"


@pytest.mark.parametrize("name", ["visitor_session", "__Host-visitor_session"], ids=["development", "production"])
def test_django_takes_the_token_of_a_session_that_took_the_place_of_one_that_ended(
    snippet: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "SESSION_COOKIE", name)
    request = asked(cookie="ended")
    served(snippet, request)
    session = snippet["call"](request, "GET", "/storefront/session/current")["session"]
    assert vars(request)["visit"] == session["token"] != "ended"


def test_django_begins_no_session_for_a_crawler(snippet: dict[str, Any]) -> None:
    assert "visit" not in served(snippet, asked(agent=CRAWLER)).cookies
    flush(consumer="test")
    assert not VisitorSession.objects.exists()


def test_django_serves_its_pages_without_footfall(snippet: dict[str, Any], settings: LazySettings) -> None:
    settings.FOOTFALL_API = "http://127.0.0.1:9/api/v1"
    answer = served(snippet, asked())
    assert (answer.content, "visit" in answer.cookies) == (b"Mug", False)


# The Next.js snippet, in Playwright's Node.js, with stand-ins for what Next.js gives it


NODE = Path(playwright.__file__).parent / "driver" / "node"
NEXT_SERVER = """
export const NextResponse = {
  next: ({ request }) => ({ headers: request.headers, kept: {}, cookies: { set(...given) { kept = given; } } }),
};
export let kept = null;
"""
VISIT_NEXT = """
import { kept } from "next/server";
import { middleware } from "./middleware.mjs";
const { cookie, headers } = JSON.parse(process.argv[2]);
const request = new Request("https://shop.example.com/mug?utm_source=newsletter", { headers });
request.cookies = { get: () => (cookie ? { value: cookie } : undefined) };
const answer = await middleware(request);
console.log(JSON.stringify({ shown: answer.headers.get("x-visit"), kept }));
"""


@pytest.fixture
def next_shop(tmp_path: Path, shop: str, settings: LazySettings) -> Callable[..., dict[str, Any]]:
    """Asks the guide's middleware for a page; what components and browser get."""
    settings.CONSENT_MODE = "opt_out"
    package = tmp_path / "node_modules" / "next"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "next", "type": "module", "exports": {"./server": "./server.js"}}')
    (package / "server.js").write_text(NEXT_SERVER)
    (tmp_path / "middleware.mjs").write_text(guide.snippet("js", "next/server"))
    (tmp_path / "visit.mjs").write_text(VISIT_NEXT)

    def ask(cookie: str = "", api: str = shop + PREFIX, **headers: str) -> dict[str, Any]:
        sent = json.dumps({"cookie": cookie, "headers": {"user-agent": CHROME, **headers}})
        command = [str(NODE), "visit.mjs", sent]
        environment = {"FOOTFALL_API": api, "SHOP_ORIGIN": SHOP}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return ask


def test_next_begins_a_session_and_shows_it_to_page_and_browser(next_shop: Callable[..., dict[str, Any]]) -> None:
    answer = next_shop(**{"x-forwarded-for": "203.0.113.9", "referer": f"{SHOP}/"})
    assert answer["kept"][:2] == ["visit", answer["shown"]]
    assert answer["kept"][2]["httpOnly"] is True
    flush(consumer="test")
    visit = VisitorSession.objects.get()
    assert (visit.landing_page, visit.utm_source, visit.referrer) == ("/mug", "newsletter", "")
    assert (visit.device, visit.ip_prefix) == ("desktop", "203.0.113.0/24")


def test_next_goes_on_with_the_session_that_there_is(next_shop: Callable[..., dict[str, Any]]) -> None:
    token = next_shop()["shown"]
    assert next_shop(cookie=token)["shown"] == token
    flush(consumer="test")
    assert VisitorSession.objects.count() == 1


def test_next_takes_the_token_of_a_session_that_took_the_place_of_one_that_ended(
    next_shop: Callable[..., dict[str, Any]],
) -> None:
    answer = next_shop(cookie="ended")
    assert answer["kept"][:2] == ["visit", answer["shown"]]
    assert answer["shown"] not in ("", "ended")


def test_next_goes_on_with_its_session_without_footfall(next_shop: Callable[..., dict[str, Any]]) -> None:
    assert next_shop(cookie="mine", api="http://127.0.0.1:9/api/v1")["shown"] == "mine"


def test_next_serves_its_pages_without_footfall_and_to_crawlers(next_shop: Callable[..., dict[str, Any]]) -> None:
    nothing = {"shown": "", "kept": None}
    assert next_shop(api="http://127.0.0.1:9/api/v1") == next_shop(**{"user-agent": CRAWLER}) == nothing


# The snippets for pages, in a browser, against a shop on another origin


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def page_of(shop: str, *scripts: str, tag: bool) -> str:
    """A page with snippets of the guide; their functions can be called from outside."""
    functions = re.findall(r"^(?:async )?function (\w+)", "\n".join(scripts), re.M)
    code = "\n".join((*scripts, f"Object.assign(window, {{ {', '.join(functions)} }});"))
    html = f"<!doctype html><title>Shop</title><div id=consent></div><script type=module>{code}</script>"
    return (guide.snippets("html")[0] * tag + html).replace(API, shop)


def brings(event_type: str) -> Callable[[Response], bool]:
    """Answers to the script's requests with such an event."""
    return lambda answer: answer.url.endswith("/analytics/track") and event_type in (answer.request.post_data or "")


def browse(chromium_path: str, address: str, act: Callable[[Page], None]) -> None:
    """A visit with a browser; it is gone before the database is asked (Django would refuse while it runs)."""
    with launched(chromium_path) as browser:
        page = browser.new_page(user_agent=CHROME)  # its own says that it is a robot
        page.set_default_timeout(BROWSER_MS)
        with page.expect_response(brings("page_view")) as brought:
            page.goto(address)
        assert brought.value.status == 202
        act(page)


@pytest.mark.browser
def test_on_the_same_site_script_and_calls_share_a_session_by_cookie(
    shop: str, goods: World, site: Site, settings: LazySettings, chromium_path: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [site.address("localhost")]
    site.pages["/"] = page_of(shop, guide.snippet("js", "function call"), guide.snippet("js", "choose"), tag=True)
    events = guide.snippet("js", "add_to_cart").replace("{productId}", str(goods.mug.id))

    def act(page: Page) -> None:
        with page.expect_response(brings("add_to_cart")):
            page.evaluate(events)
        assert page.evaluate("call('GET', '/storefront/session/current')")["session"]["pageViews"] == 1
        page.evaluate("choose(true)")
        assert page.evaluate("document.querySelector('#consent').hidden")
        assert page.evaluate("call('GET', '/storefront/session/consent')")["analytics"] is True
        lines = [{"productId": str(goods.mug.id), "quantity": 11}]
        refusal = "call('POST', '/checkout/initiate', { cartItems }).catch(error => [error.status, error.code])"
        assert page.evaluate(f"cartItems => {refusal}", lines) == [409, "OUT_OF_STOCK"]

    browse(chromium_path, site.address("localhost"), act)
    flush(consumer="test")
    visit = VisitorSession.objects.get()
    assert (visit.page_views, visit.product_views, visit.cart_additions, visit.consent) == (1, 1, 1, "granted")


@pytest.mark.browser
def test_on_another_site_the_token_keeps_script_and_calls_together(
    shop: str, goods: World, site: Site, settings: LazySettings, chromium_path: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [site.address("127.0.0.1")]
    site.pages["/"] = page_of(
        shop, guide.snippet("js", "function call"), guide.snippet("js", "function visit"), tag=False
    )

    def act(page: Page) -> None:
        with page.expect_response(brings("page_view")):
            page.reload()
        session = page.evaluate(
            "visit().then(token => call('GET', '/storefront/session/current', null, { 'X-Visitor-Session': token }))"
        )["session"]
        assert (session["pageViews"], session["landingPage"]) == (2, "/")
        assert page.context.cookies() == []

    browse(chromium_path, site.address("127.0.0.1"), act)
    flush(consumer="test")
    assert VisitorSession.objects.get().page_views == 2
