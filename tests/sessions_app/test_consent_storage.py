"""What docs/privacy.md says is stored, and nothing else is: in the rows of the visits and in Redis."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.test import Client, TestCase

from core import redis as core_redis
from core.clock import now
from core.net import ip_prefix, printable
from sessions_app import geo, months
from sessions_app.ingest import flush
from sessions_app.models import ConsentRecord, SessionEvent, VisitorSession
from sessions_app.salts import daily_visitor_id
from sessions_app.tokens import CONSENT_COOKIE, SESSION_COOKIE, VISITOR_COOKIE, sign, unsign
from tests.browsers import CHROME
from tests.factories import ProductFactory
from tests.geoip import geoip_file
from tests.stored import redis_text, rows_of

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parents[2] / "docs" / "privacy.md"
API = "/api/v1"
CITY = "Markville-7391"
AGENT = f"{CHROME} Mark/7391"
ADDRESSES = {"IPv4": "81.2.69.177", "IPv6": "2405:4800:7391:5c2e:1:2:3:4d"}
BEGINNINGS = {"IPv4": "81.2.69.", "IPv6": "2405:4800:7391"}
REMEMBERED = {"denied": "denied", "granted": "granted", "withdrawn in mid-visit": "granted"}
"""What the browser says of an earlier choice when the visit begins."""
SIGNALS = {"Sec-GPC": {"Sec-GPC": "1"}, "DNT": {"DNT": "1"}}
IN_MID_VISIT = {"denied in mid-visit": False, "granted in mid-visit": True, "withdrawn in mid-visit": False}
CHOICES = {"none"} | REMEMBERED.keys() | SIGNALS.keys() | IN_MID_VISIT.keys()


@dataclass(frozen=True)
class Line:
    """A line of the table: what is stored of a visit in this mode with this choice."""

    mode: str
    choice: str
    address: str
    user_agent: str
    city: str
    visitor_id: str
    cookies: str

    @property
    def identified(self) -> bool:
        """Whether the visitor may be known again tomorrow."""
        return self.visitor_id == "lasting"


def lines() -> list[Line]:
    """The table "By mode and choice"."""
    section = DOCUMENT.read_text().partition("## By mode and choice")[2].partition("\n## ")[0]
    table = [row for row in section.splitlines() if row.startswith("| ")]
    return [Line(*(cell.strip() for cell in row.strip("|").split("|"))) for row in table[2:]]


@dataclass
class Visitor:
    """Somebody with a browser, who was here before with consent."""

    client: Client
    address: str
    earlier_id: UUID

    @classmethod
    def come(cls, line: Line, address: str) -> "Visitor":
        headers = {"user-agent": AGENT} | SIGNALS.get(line.choice, {})
        visitor = cls(Client(headers=headers, REMOTE_ADDR=address), address, uuid4())
        visitor.client.cookies[VISITOR_COOKIE] = sign(visitor.earlier_id, purpose="visitor")
        if line.choice in REMEMBERED:
            visitor.client.cookies[CONSENT_COOKIE] = REMEMBERED[line.choice]
        return visitor

    def post(self, path: str, body: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = self.client.post(API + path, body, content_type="application/json")
        assert answer.status_code < 300, answer.content
        return answer

    def look_around(self) -> None:
        """A page that the script reports, two that the API sees, a checkout."""
        product = ProductFactory()
        page = {"eventType": "page_view", "page": "/a?utm_source=x", "referrer": "https://blog.example/"}
        self.post("/analytics/track", {"events": [page, {"eventType": "search", "metadata": {"for": "mugs"}}]})
        self.client.get(f"{API}/storefront/products")
        self.client.get(f"{API}/storefront/products/{product.slug}")
        self.post("/checkout/initiate", {"cartItems": [{"productId": str(product.id), "quantity": 1}]})

    def choose(self, *, granted: bool) -> None:
        body = {"analytics": granted}
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = self.client.put(f"{API}/storefront/session/consent", body, content_type="application/json")
        assert answer.status_code == 200

    def cookies(self) -> set[str]:
        """Those that the browser has now."""
        return {name for name, cookie in self.client.cookies.items() if cookie.value and cookie["max-age"] != 0}

    def lasting_id(self) -> UUID | None:
        """The one that the browser would show tomorrow."""
        return unsign(self.client.cookies[VISITOR_COOKIE].value, purpose="visitor")

    def daily_id(self) -> UUID:
        """The one that only today's salt gives."""
        return daily_visitor_id(ip=self.address, user_agent=AGENT, day=now().date())


def visit(line: Line, address: str, *, flushed_between: bool = False) -> Visitor:
    """A whole visit with that choice, stored."""
    visitor = Visitor.come(line, address)
    visitor.look_around()
    if flushed_between:
        flush(consumer="test")
    if line.choice in IN_MID_VISIT:
        visitor.choose(granted=IN_MID_VISIT[line.choice])
        visitor.look_around()
    flush(consumer="test")
    return visitor


def everything() -> str:
    """All that the visits left, anywhere."""
    return "\n".join([*rows_of("sessions_app_").values(), redis_text()])


def each(lines: list[Line]) -> pytest.MarkDecorator:
    """A test of each of these lines."""
    return pytest.mark.parametrize("line", lines, ids=[f"{line.mode}, {line.choice}" for line in lines])


LINES = lines()
CHANGING = [line for line in LINES if line.choice in IN_MID_VISIT]


@pytest.fixture(autouse=True)
def _no_months_of_other_tests() -> Iterator[None]:
    """A month whose partition was rolled back must not be taken for known."""
    months.known.clear()
    yield
    months.known.clear()


@pytest.fixture(autouse=True)
def _mode_and_places(request: pytest.FixtureRequest, settings: LazySettings, tmp_path: Path) -> Iterator[None]:
    """The mode of the line, and a city for the addresses."""
    call = getattr(request.node, "callspec", None)
    if call and "line" in call.params:
        settings.CONSENT_MODE = call.params["line"].mode
    record = {"country": {"iso_code": "VN"}, "city": {"names": {"en": CITY}}}
    settings.GEOIP_PATH = geoip_file(tmp_path / "city.mmdb", {"81.2.69.0/24": record, "2405:4800::/32": record})
    geo._look_up.cache_clear()
    yield
    geo._look_up.cache_clear()


def test_the_table_has_each_choice_in_each_mode_once() -> None:
    said = [(line.mode, line.choice) for line in LINES]
    assert sorted(said) == sorted(
        (mode, choice) for mode in ("required", "opt_out", "cookieless") for choice in CHOICES
    )


@each(LINES)
@pytest.mark.parametrize("version", ["IPv4", "IPv6"])
def test_of_the_address_the_network_is_stored_or_nothing(line: Line, version: str) -> None:
    visit(line, ADDRESSES[version])

    stored = everything()
    assert ADDRESSES[version] not in stored
    assert VisitorSession.objects.get().ip_prefix == (
        ip_prefix(ADDRESSES[version]) if line.address == "network" else ""
    )
    assert (BEGINNINGS[version] in stored) == (line.address == "network")


@each(LINES)
def test_the_user_agent_is_stored_whole_or_not_at_all(line: Line) -> None:
    visit(line, ADDRESSES["IPv4"])

    assert VisitorSession.objects.get().user_agent == (AGENT if line.user_agent == "whole" else "")
    assert ("Mark/7391" in everything()) == (line.user_agent == "whole")


@each(LINES)
def test_the_city_is_stored_or_not(line: Line) -> None:
    visit(line, ADDRESSES["IPv4"])

    assert VisitorSession.objects.get().city == (CITY if line.city == "yes" else "")
    assert (CITY in everything()) == (line.city == "yes")


@each(LINES)
def test_the_visitor_id_is_of_the_day_or_lasting(line: Line) -> None:
    visitor = visit(line, ADDRESSES["IPv4"])

    stored = VisitorSession.objects.get().visitor_id
    assert stored == (visitor.lasting_id() if line.identified else visitor.daily_id())


@each([line for line in LINES if not line.identified])
def test_the_lasting_id_that_the_browser_brought_is_nowhere(line: Line) -> None:
    visitor = visit(line, ADDRESSES["IPv4"])

    tables = rows_of("sessions_app_")
    tables.pop("sessions_app_consentrecord")  # whose a consent was is its proof
    # That somebody with this id came a moment ago is known for as long.
    stored = "\n".join([*tables.values(), redis_text(beyond_seconds=10)])
    assert str(visitor.earlier_id) not in stored
    assert visitor.earlier_id.hex not in stored


@each([line for line in LINES if line.identified and line.choice in ("none", "granted")])
def test_the_lasting_id_that_the_browser_brought_is_taken_up(line: Line) -> None:
    visitor = visit(line, ADDRESSES["IPv4"])

    assert VisitorSession.objects.get().visitor_id == visitor.earlier_id


@each(LINES)
def test_the_browser_has_these_cookies(line: Line) -> None:
    visitor = visit(line, ADDRESSES["IPv4"])

    assert visitor.cookies() == set(line.cookies.split(", "))


@each(CHANGING)
def test_a_choice_in_mid_visit_holds_for_what_is_stored_already(line: Line) -> None:
    visit(line, ADDRESSES["IPv4"], flushed_between=True)

    row, stored = VisitorSession.objects.get(), everything()
    assert row.ip_prefix == ("81.2.69.0/24" if line.identified else "")
    assert ("81.2.69." in stored, "Mark/7391" in stored, CITY in stored) == (line.identified,) * 3


@each(CHANGING)
@pytest.mark.parametrize("flushed_between", [False, True], ids=["on its way", "stored"])
def test_a_choice_in_mid_visit_changes_the_id(line: Line, flushed_between: bool) -> None:
    visitor = visit(line, ADDRESSES["IPv4"], flushed_between=flushed_between)

    stored = VisitorSession.objects.get().visitor_id
    assert stored == (visitor.lasting_id() if line.identified else visitor.daily_id())


@each([line for line in CHANGING if not line.identified])
@pytest.mark.parametrize("flushed_between", [False, True], ids=["on its way", "stored"])
def test_refusing_in_mid_visit_changes_the_id_of_what_happened_before(line: Line, flushed_between: bool) -> None:
    visitor = visit(line, ADDRESSES["IPv4"], flushed_between=flushed_between)

    assert set(SessionEvent.objects.values_list("visitor_id", flat=True)) == {visitor.daily_id()}


@each([line for line in CHANGING if line.identified and line.mode == "required"])
def test_consent_in_mid_visit_leaves_what_happened_before_to_the_day(line: Line) -> None:
    visitor = visit(line, ADDRESSES["IPv4"], flushed_between=True)

    events = SessionEvent.objects.order_by("timestamp").values_list("visitor_id", flat=True)
    assert (events[0], events[len(events) - 1]) == (visitor.daily_id(), visitor.lasting_id())


@each(LINES)
def test_a_visit_is_one_session_with_what_is_stored_of_every_visit(line: Line) -> None:
    visit(line, ADDRESSES["IPv4"])

    row = VisitorSession.objects.get()
    assert (row.device, row.browser, row.os, row.country) == ("desktop", "Chrome", "Linux", "VN")
    assert (row.landing_page, row.referrer, row.utm_source) == ("/a", "https://blog.example/", "x")
    assert row.script_page_views >= 1
    assert SessionEvent.objects.filter(event_type="search", metadata={"for": "mugs"}).exists()


@each(LINES)
def test_a_choice_is_recorded_with_whom_it_was_from_only_if_it_was_consent(line: Line) -> None:
    visitor = visit(line, ADDRESSES["IPv4"])

    records = [(record.choice, record.visitor_id) for record in ConsentRecord.objects.all()]
    granted = IN_MID_VISIT.get(line.choice)
    if granted is None:
        assert records == []
    else:
        whom = visitor.lasting_id() if granted and line.identified else None
        assert records == [("granted" if granted else "denied", whom)]


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
@pytest.mark.parametrize("mode", ["required", "opt_out"])
def test_the_browsers_signal_goes_before_a_choice_of_an_earlier_visit(
    header: str, mode: str, settings: LazySettings
) -> None:
    settings.CONSENT_MODE = mode
    browser = Client(headers={"user-agent": AGENT, header: "1"}, REMOTE_ADDR=ADDRESSES["IPv4"])
    browser.cookies[CONSENT_COOKIE] = "granted"
    browser.get(f"{API}/storefront/products")
    flush(consumer="test")

    assert "81.2.69." not in everything()
    assert "Mark/7391" not in everything()
    assert VISITOR_COOKIE not in browser.cookies


def test_a_refusal_while_redis_was_away_holds_when_it_is_back(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONSENT_MODE = "required"
    line = next(line for line in LINES if (line.mode, line.choice) == ("required", "withdrawn in mid-visit"))
    visitor = Visitor.come(line, ADDRESSES["IPv4"])
    visitor.look_around()
    flush(consumer="test")
    with monkeypatch.context() as outage:
        outage.setattr(core_redis.breaker, "closed_after", float("inf"))
        visitor.choose(granted=False)
    core_redis.breaker.was_away = True  # as a call that fails leaves it
    visitor.look_around()
    flush(consumer="test")

    assert VisitorSession.objects.get().consent == "denied"
    assert "81.2.69." not in everything()
    assert "Mark/7391" not in everything()


PERSONAL = "ada-7391"
ADDRESS_OF_A_PAGE = f"http://www.testserver/landing?email={PERSONAL}&utm_source=news&token={PERSONAL}#{PERSONAL}"


def by_script(browser: Client) -> None:
    event = {"eventType": "page_view", "page": ADDRESS_OF_A_PAGE}
    browser.post(f"{API}/analytics/track", event, content_type="application/json")


def by_script_relative(browser: Client) -> None:
    event = {"eventType": "page_view", "page": f"?email={PERSONAL}&utm_source=news"}
    browser.post(f"{API}/analytics/track", event, content_type="application/json")


def by_api(browser: Client) -> None:
    browser.get(f"{API}/storefront/products", headers={"referer": ADDRESS_OF_A_PAGE.partition("#")[0]})


def by_server(browser: Client) -> None:
    body = {"landingPage": ADDRESS_OF_A_PAGE, "utmSource": "news"}
    browser.post(f"{API}/storefront/session", body, content_type="application/json")


def by_referrer(browser: Client) -> None:
    events = [
        {"eventType": "page_view", "page": "/?utm_source=news"},
        {"eventType": "page_view", "page": "/cart", "referrer": ADDRESS_OF_A_PAGE},
    ]
    browser.post(f"{API}/analytics/track", {"events": events}, content_type="application/json")


def by_event(browser: Client) -> None:
    event = {"eventType": "search", "page": ADDRESS_OF_A_PAGE}
    browser.post(f"{API}/storefront/session/track-event", event, content_type="application/json")


@pytest.mark.parametrize("host", ["testserver", "www.testserver", "www.testserver:8443"])
@pytest.mark.parametrize("way", [by_script, by_script_relative, by_api, by_server, by_referrer, by_event])
def test_of_the_query_of_a_page_only_utm_is_stored(way: Any, host: str) -> None:
    browser = Client(headers={"user-agent": AGENT, "host": host})
    browser.cookies[CONSENT_COOKIE] = "granted"
    way(browser)
    flush(consumer="test")

    assert PERSONAL not in everything()
    if way is not by_event:
        assert VisitorSession.objects.get().utm_source == "news"


def test_nothing_is_stored_of_a_crawler_but_a_count(settings: LazySettings) -> None:
    settings.CONSENT_MODE = "opt_out"
    crawler = Client(headers={"user-agent": "Mark-7391 (+http://crawler.example)"}, REMOTE_ADDR=ADDRESSES["IPv4"])
    crawler.get(f"{API}/storefront/products")
    flush(consumer="test")

    assert "7391" not in everything()
    assert "81.2.69." not in everything()
    assert [table for table, rows in rows_of("sessions_app_").items() if rows] == ["sessions_app_crawlerday"]
    assert SESSION_COOKIE not in crawler.cookies


def test_the_marks_of_this_test_would_be_found() -> None:
    """A negative control: a search that finds nothing anywhere proves nothing."""
    browser = Client(headers={"user-agent": AGENT}, REMOTE_ADDR=ADDRESSES["IPv4"])
    browser.cookies[CONSENT_COOKIE] = "granted"
    browser.get(f"{API}/storefront/products")

    in_redis = redis_text()
    flush(consumer="test")
    in_rows = "\n".join(rows_of("sessions_app_").values())
    for stored in (in_redis, in_rows):
        assert "81.2.69.0/24" in stored
        assert printable(AGENT) in stored
        assert CITY in stored
