"""Whatever cookie or header somebody shows: a session of theirs or a fresh one, never an error, never another's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from sessions_app.ingest import flush
from sessions_app.models import VisitorSession
from sessions_app.tokens import CONSENT_COOKIE, SESSION_COOKIE, VISITOR_COOKIE, sign, unsign
from tests.browsers import CHROME

pytestmark = pytest.mark.django_db
CURRENT = "/api/v1/storefront/session/current"
CLEAR = "/api/v1/storefront/session/clear"
CONSENT = "/api/v1/storefront/session/consent"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def newcomer(**headers: str) -> Client:
    """Somebody's browser."""
    return Client(headers={"user-agent": CHROME, **headers})


def session_of(client: Client, **extra: str) -> dict[str, Any]:
    """The session that a request gets; `extra` goes to the WSGI environment as it is."""
    answer = client.get(CURRENT, **extra)  # type: ignore[arg-type] # the environment
    assert answer.status_code == 200
    session: dict[str, Any] = answer.json()["data"]["session"]
    return session


def as_sent(text: str) -> str:
    """A header as the server hands it over: bytes, read as latin-1."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def shown(cookie: str) -> dict[str, Any]:
    """The session of somebody who shows this as the cookie."""
    return session_of(newcomer(), HTTP_COOKIE=as_sent(f"{SESSION_COOKIE}={cookie}"))


@pytest.fixture
def victim() -> dict[str, Any]:
    """A session that somebody else has."""
    return session_of(newcomer())


def spoilt(token: str) -> dict[str, str]:
    """What becomes of a good token, by what was done to it."""
    value, _, signature = token.partition(":")
    other = uuid4()
    return {
        "last character": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "first character": ("0" if token[0] != "0" else "1") + token[1:],
        "other id, same signature": f"{other.hex}:{signature}",
        "truncated": token[:-10],
        "half": token[: len(token) // 2],
        "no signature": value,
        "empty signature": f"{value}:",
        "signature alone": f":{signature}",
        "plain id": str(UUID(value)),
        "empty": "",
        "colon": ":",
        "null byte inside": f"{token[:10]}\0{token[10:]}",
        "null byte at the end": f"{token}\0",
        "non-ASCII": f"{token}é",
        "non-ASCII digits": "".join(chr(ord(letter) + 0xFEE0) for letter in token),
        "bytes": b"\xff\xfe\x80".decode("latin-1"),
        "lone surrogate": f"\ud800{token}",
        "10 KB": token + "x" * 10_240,
        "10 KB of colons": ":" * 10_240,
        "signed by nobody": sign(other, purpose="nothing"),
        "quoted": f'"{token}"x',
        "SQL": "' OR 1=1 --",
        "JSON": '{"session": 1}',
        "twice": token + token,
    }


WAYS = list(spoilt(sign(uuid4(), purpose="session")))


@pytest.mark.parametrize("way", WAYS)
def test_a_spoilt_cookie_gets_a_fresh_session(way: str, victim: dict[str, Any]) -> None:
    got = shown(spoilt(victim["token"])[way])

    assert got["sessionId"] != victim["sessionId"]
    assert got["pageViews"] == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_spoilt_header_gets_a_fresh_session(way: str, victim: dict[str, Any]) -> None:
    got = session_of(newcomer(), HTTP_X_VISITOR_SESSION=as_sent(spoilt(victim["token"])[way]))

    assert got["sessionId"] != victim["sessionId"]


def test_a_good_cookie_gets_its_session(victim: dict[str, Any]) -> None:
    assert shown(victim["token"])["sessionId"] == victim["sessionId"]


@pytest.mark.parametrize("purpose", ["visitor", "order", ""])
def test_a_token_of_another_purpose_is_no_session(purpose: str, victim: dict[str, Any]) -> None:
    assert shown(sign(UUID(victim["sessionId"]), purpose=purpose))["sessionId"] != victim["sessionId"]


def test_a_session_is_no_visitor(victim: dict[str, Any]) -> None:
    browser = newcomer()
    browser.cookies[CONSENT_COOKIE] = "granted"
    browser.cookies[VISITOR_COOKIE] = sign(UUID(victim["visitorId"]), purpose="session")

    assert session_of(browser)["visitorId"] != victim["visitorId"]


def test_a_session_that_never_was_is_not_taken_over() -> None:
    signed_but_unknown = uuid4()
    assert shown(sign(signed_but_unknown, purpose="session"))["sessionId"] != str(signed_but_unknown)


class TestKeys:
    def test_a_token_of_a_key_before_the_last_is_still_good(
        self, victim: dict[str, Any], settings: LazySettings
    ) -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "the next key of this shop, which is long enough"
        assert shown(victim["token"])["sessionId"] == victim["sessionId"]

    def test_a_token_of_a_key_that_was_given_up_is_none(self, victim: dict[str, Any], settings: LazySettings) -> None:
        shown(victim["token"])
        settings.SECRET_KEY = "the next key of this shop, which is long enough"
        settings.SECRET_KEY_FALLBACKS = []
        assert shown(victim["token"])["sessionId"] != victim["sessionId"]

    def test_a_new_token_is_made_with_the_new_key(self, settings: LazySettings) -> None:
        old = settings.SECRET_KEY
        settings.SECRET_KEY_FALLBACKS = [old]
        settings.SECRET_KEY = "the next key of this shop, which is long enough"
        token = session_of(newcomer())["token"]
        settings.SECRET_KEY_FALLBACKS = []
        assert unsign(token, purpose="session") is not None
        settings.SECRET_KEY = old
        assert unsign(token, purpose="session") is None


class TestLapse:
    @pytest.mark.parametrize("flushed", [False, True], ids=["in Redis", "stored"])
    @pytest.mark.parametrize(("minutes", "same"), [(29, True), (31, False)])
    def test_after_31_minutes_of_silence_it_is_a_fresh_one(self, minutes: int, same: bool, flushed: bool) -> None:
        browser = newcomer()
        with time_machine.travel(NOW, tick=False) as clock:
            first = session_of(browser)
            if flushed:
                flush(consumer="test")
            clock.shift(timedelta(minutes=minutes))
            assert (session_of(browser)["sessionId"] == first["sessionId"]) is same

    def test_after_24_hours_it_is_a_fresh_one_however_busy(self) -> None:
        browser = newcomer()
        with time_machine.travel(NOW, tick=False) as clock:
            seen = []
            for _step in range(74):
                seen.append(session_of(browser)["sessionId"])
                clock.shift(timedelta(minutes=20))
        assert len(set(seen[:72])) == 1
        assert seen[72] != seen[0]

    def test_a_lapsed_cookie_is_replaced_once(self) -> None:
        browser = newcomer()
        with time_machine.travel(NOW, tick=False) as clock:
            session_of(browser)
            clock.shift(timedelta(minutes=31))
            assert SESSION_COOKIE in browser.get(CURRENT).cookies
            assert SESSION_COOKIE not in browser.get(CURRENT).cookies

    def test_a_cleared_session_is_not_found_again(self, victim: dict[str, Any]) -> None:
        newcomer(**{"x-visitor-session": victim["token"]}).post(CLEAR)
        assert shown(victim["token"])["sessionId"] != victim["sessionId"]


class TestHeader:
    def test_the_header_wins_over_another_cookie(self, victim: dict[str, Any]) -> None:
        browser = newcomer()
        own = session_of(browser)

        got = session_of(browser, HTTP_X_VISITOR_SESSION=victim["token"])
        assert got["sessionId"] == victim["sessionId"] != own["sessionId"]

    def test_a_good_header_leaves_the_cookie_alone(self, victim: dict[str, Any]) -> None:
        browser = newcomer()
        session_of(browser)

        answer = browser.get(CURRENT, headers={"x-visitor-session": victim["token"]})
        assert SESSION_COOKIE not in answer.cookies

    def test_a_spoilt_header_does_not_fall_back_to_the_cookie(self) -> None:
        browser = newcomer()
        own = session_of(browser)
        assert session_of(browser, HTTP_X_VISITOR_SESSION="forged")["sessionId"] != own["sessionId"]


class TestSetCookie:
    def test_it_is_sent_when_the_value_changes_and_only_then(self) -> None:
        browser = newcomer()
        sent = [set(browser.get(CURRENT).cookies) for _ in range(3)]
        assert sent == [{SESSION_COOKIE}, set(), set()]

    @pytest.mark.django_db(transaction=True)
    def test_consent_sends_the_visitor_and_the_choice_once(self) -> None:
        browser = newcomer()
        session_of(browser)
        chosen = browser.put(CONSENT, {"analytics": True}, content_type="application/json")
        assert set(chosen.cookies) == {VISITOR_COOKIE, CONSENT_COOKIE}
        assert set(browser.get(CURRENT).cookies) == set()

    @pytest.mark.parametrize("value", ["forged", "x:y", "é", "x" * 10_240])
    def test_a_spoilt_visitor_cookie_is_replaced(self, value: str) -> None:
        cookies = f"{CONSENT_COOKIE}=granted; {VISITOR_COOKIE}={value}"
        answer = newcomer().get(CURRENT, HTTP_COOKIE=as_sent(cookies))
        new = unsign(answer.cookies[VISITOR_COOKIE].value, purpose="visitor")
        assert str(new) == answer.json()["data"]["session"]["visitorId"]

    @pytest.mark.parametrize("value", ["", "yes", "GRANTED", "grantedx", "é", "\0", "x" * 10_240])
    def test_a_spoilt_choice_is_none(self, value: str) -> None:
        cookie = as_sent(f"{CONSENT_COOKIE}={value}")
        assert session_of(newcomer(), HTTP_COOKIE=cookie)["consent"] == "unknown"

    @pytest.mark.parametrize("development", [True, False])
    def test_they_are_for_the_server_alone_same_site_and_secure_outside_development(
        self, development: bool, settings: LazySettings
    ) -> None:
        settings.DEVELOPMENT = development
        browser = newcomer()
        browser.get(CURRENT)
        browser.put(CONSENT, {"analytics": True}, content_type="application/json")

        for name in (SESSION_COOKIE, VISITOR_COOKIE, CONSENT_COOKIE):
            cookie = browser.cookies[name]
            assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
            assert bool(cookie["secure"]) is not development

    @pytest.mark.parametrize(
        ("name", "seconds"), [(SESSION_COOKIE, 86_400), (VISITOR_COOKIE, 30 * 86_400), (CONSENT_COOKIE, 180 * 86_400)]
    )
    def test_they_last_as_the_privacy_page_says(self, name: str, seconds: int) -> None:
        browser = newcomer()
        browser.get(CURRENT)
        browser.put(CONSENT, {"analytics": True}, content_type="application/json")
        assert browser.cookies[name]["max-age"] == seconds

    def test_clearing_expires_it(self) -> None:
        browser = newcomer()
        session_of(browser)
        cookie = browser.post(CLEAR).cookies[SESSION_COOKIE]
        assert (cookie.value, cookie["max-age"], cookie["samesite"]) == ("", 0, "Lax")


def test_nobody_leaves_a_trace_in_another_visit(victim: dict[str, Any]) -> None:
    for cookie in spoilt(victim["token"]).values():
        newcomer().get("/api/v1/storefront/products", HTTP_COOKIE=as_sent(f"{SESSION_COOKIE}={cookie}"))
    flush(consumer="test")

    assert VisitorSession.objects.get(pk=victim["sessionId"]).api_page_views == 0
