"""`POST /analytics/track`: what is taken, what is refused, and that nothing else is lost by it."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client

from core import redis as core_redis
from sessions_app import ingest, state
from sessions_app.agents import parse
from sessions_app.models import ConsentRecord, SessionEvent, VisitorSession
from tests.browsers import CHROME
from tests.core.limited import Caller, limit
from tests.database import database_away

pytestmark = pytest.mark.django_db(transaction=True)
TRACK = "/api/v1/analytics/track"
CURRENT = "/api/v1/storefront/session/current"
KIB = 1024
ABSURD_REFERRERS = ["x" * 64 * KIB, "http://[", "javascript:alert(1)", "https://\u202e.example/"]


@pytest.fixture
def browser() -> Client:
    """Somebody's browser."""
    return Client(headers={"user-agent": CHROME})


def send(client: Client, body: Any, content_type: str = "application/json", **headers: str) -> Any:
    """Posts JSON, or bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(TRACK, data, content_type=content_type, headers=headers)


def view(**fields: Any) -> dict[str, Any]:
    return {"eventType": "page_view", "page": "/", **fields}


def stored() -> list[SessionEvent]:
    ingest.flush(consumer="test")
    return list(SessionEvent.objects.order_by("timestamp", "event_id"))


def test_of_100_events_3_bad_ones_lose_nobody_else(browser: Client) -> None:
    events: list[Any] = [view(page=f"/{number}") for number in range(100)]
    events[3], events[50], events[99] = {"eventType": "Bad Type"}, "no object", {"eventType": "order_placed"}
    answer = send(browser, {"events": events})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 97
    assert [(one["index"], one["error"]) for one in answer.json()["rejected"]] == [
        (3, "INVALID_INPUT"),
        (50, "INVALID_INPUT"),
        (99, "RESERVED_EVENT"),
    ]
    assert len(stored()) == 97


@pytest.mark.parametrize(
    "event_type", ["checkout_started", "order_placed", "order_completed", "payment_failed", "customer_login"]
)
def test_what_the_server_alone_writes_is_refused(browser: Client, event_type: str) -> None:
    assert send(browser, {"eventType": event_type}).json()["rejected"][0]["error"] == "RESERVED_EVENT"


@pytest.mark.parametrize(
    "bad",
    [
        {"eventType": "x" * 65},
        {"eventType": "1up"},
        {"eventType": ""},
        {"eventType": None},
        {},
        view(metadata={"long": "x" * 5 * KIB}),
        view(metadata=[]),
        view(metadata={"null": "\0"}),
        view(metadata={"half": "\ud800"}),
        view(metadata={"nested": {"deep": "\0"}}),
        view(page="/\0"),
        view(page=["/"]),
        view(referrer="\udfff"),
        view(productId="12"),
        view(eventId=7),
        view(utmSource=7),
        view(utmTerm="\0"),
    ],
    ids=lambda bad: repr(bad)[:60].replace("\0", "null"),
)
def test_a_bad_event_is_refused_with_a_reason_beside_a_good_one(browser: Client, bad: dict[str, Any]) -> None:
    answer = send(browser, {"events": [bad, view(page="/good")]}).json()
    assert answer["accepted"] == 1
    assert answer["rejected"][0]["index"] == 0
    assert answer["rejected"][0]["message"]
    assert [event.page for event in stored()] == ["/good"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_none_are_refused(browser: Client, number: str) -> None:
    event = json.dumps({"eventType": "search", "metadata": {"price": "?"}}).replace('"?"', number)
    assert send(browser, event.encode()).json()["accepted"] == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b" ", 400, "MALFORMED_JSON"),
        (b"{", 400, "MALFORMED_JSON"),
        (b"\xff\xfe", 400, "MALFORMED_JSON"),
        (b"[" * 100_000, 400, "MALFORMED_JSON"),
        (b'{"events": []}', 400, "INVALID_INPUT"),
        (b'{"events": {}}', 400, "INVALID_INPUT"),
        (json.dumps({"events": [view()] * 101}).encode(), 400, "INVALID_INPUT"),
        (b" " * 257 * KIB, 413, "PAYLOAD_TOO_LARGE"),
        (b"x" * 10 * KIB * KIB, 413, "PAYLOAD_TOO_LARGE"),
    ],
    ids=["empty", "cut", "no-utf8", "deep", "no-events", "no-list", "101", "257-kib", "10-mib"],
)
def test_a_request_that_cannot_be_taken_says_why(browser: Client, body: bytes, status: int, code: str) -> None:
    answer = send(browser, body)
    assert answer.status_code == status
    assert (answer.json()["success"], answer.json()["error"]) == (False, code)
    assert answer.json()["requestId"] == answer["X-Request-ID"]


def test_a_refusal_speaks_the_senders_language(browser: Client) -> None:
    english, vietnamese = (send(browser, b"{", **{"accept-language": code}).json()["message"] for code in ("en", "vi"))
    assert english == "This is not JSON."
    assert vietnamese not in ("", english)


def test_a_bad_events_reason_speaks_the_senders_language(browser: Client) -> None:
    answer = send(browser, {"eventType": "order_placed"}, **{"accept-language": "vi"}).json()
    assert "order_placed" in answer["rejected"][0]["message"]
    assert "server alone" not in answer["rejected"][0]["message"]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/plain;charset=UTF-8"])
def test_json_may_come_as_plain_text(browser: Client, content_type: str) -> None:
    assert send(browser, view(), content_type).status_code == 202


def test_another_type_is_refused(browser: Client) -> None:
    answer = send(browser, b"eventType=page_view", "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_gzipped_body_is_unpacked(browser: Client) -> None:
    body = gzip.compress(json.dumps({"events": [view(page="/packed")]}).encode())
    assert send(browser, body, **{"content-encoding": "gzip"}).json()["accepted"] == 1
    assert [event.page for event in stored()] == ["/packed"]


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (gzip.compress(b" " * 50 * KIB * KIB), "gzip", "PAYLOAD_TOO_LARGE"),
        (b"no gzip", "gzip", "MALFORMED_JSON"),
        (gzip.compress(b'{"eventType": "search"}')[:-20], "gzip", "MALFORMED_JSON"),
        (b"{}", "br", "UNSUPPORTED_MEDIA_TYPE"),
    ],
    ids=["bomb", "no-gzip", "cut", "brotli"],
)
def test_a_packed_body_that_cannot_be_taken_says_why(browser: Client, body: bytes, encoding: str, code: str) -> None:
    assert send(browser, body, **{"content-encoding": encoding}).json()["error"] == code


@pytest.mark.parametrize(
    ("sent", "is_believed"),
    [
        (timedelta(hours=-23), True),
        (timedelta(minutes=1), True),
        (timedelta(hours=-25), False),
        (timedelta(minutes=3), False),
        (timedelta(days=-365 * 56), False),
        (timedelta(days=365 * 73), False),
    ],
    ids=["23-hours", "a-minute-ahead", "25-hours", "3-minutes-ahead", "1970", "2099"],
)
def test_a_time_counts_within_a_day_past_and_two_minutes_ahead(
    browser: Client, sent: timedelta, is_believed: bool
) -> None:
    now = datetime.now(UTC)
    send(browser, view(timestamp=(now + sent).isoformat()))
    [event] = stored()
    assert (abs(event.timestamp - (now + sent)) < timedelta(seconds=1)) is is_believed
    assert is_believed or abs(event.timestamp - now) < timedelta(minutes=1)


@pytest.mark.parametrize("time", ["yesterday", 7, "", None, "2026-13-40T00:00:00Z"])
def test_a_time_that_is_none_is_the_servers(browser: Client, time: object) -> None:
    assert send(browser, view(timestamp=time)).json()["accepted"] == 1
    [event] = stored()
    assert abs(event.timestamp - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "1" * 5000])
def test_a_number_of_too_many_digits_loses_its_event_alone(browser: Client, number: str) -> None:
    good, bad = json.dumps(view()), json.dumps(view(metadata={"n": 7})).replace("7", number)
    answer = send(browser, f'{{"events": [{good}, {bad}]}}'.encode())
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert [refusal["index"] for refusal in answer.json()["rejected"]] == [1]


UTM = {"utmSource": "push", "utmMedium": "app", "utmCampaign": "spring", "utmTerm": "mug", "utmContent": "b"}


def test_utm_parameters_may_be_told_beside_the_page(browser: Client) -> None:
    send(browser, view(**UTM))
    stored()
    visit = VisitorSession.objects.get()
    assert [visit.utm_source, visit.utm_medium, visit.utm_campaign, visit.utm_term, visit.utm_content] == [
        *UTM.values()
    ]
    assert visit.touches[0]["utm_source"] == "push"


def test_utm_parameters_beside_the_page_go_before_those_of_its_query(browser: Client) -> None:
    send(browser, view(page="/?utm_source=news&utm_medium=email", utmSource="push"))
    stored()
    visit = VisitorSession.objects.get()
    assert (visit.utm_source, visit.utm_medium) == ("push", "")


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_utm_parameters_that_say_nothing_leave_those_of_the_page(browser: Client, nothing: str | None) -> None:
    send(browser, view(page="/?utm_source=news", utmSource=nothing))
    stored()
    assert VisitorSession.objects.get().utm_source == "news"


def test_a_further_arrival_may_tell_utm_parameters_too(browser: Client) -> None:
    send(browser, view())
    send(browser, view(utmSource="push"))
    stored()
    assert [touch.get("utm_source") for touch in VisitorSession.objects.get().touches] == [None, "push"]


def test_the_same_id_counts_once(browser: Client) -> None:
    same = view(eventId=str(uuid4()), timestamp=datetime.now(UTC).isoformat())
    send(browser, {"events": [same, same]})
    send(browser, same)
    assert len(stored()) == 1


def test_the_same_id_counts_once_although_the_server_gave_it_two_times(browser: Client) -> None:
    same = view(eventId=str(uuid4()))
    send(browser, same)
    stored()
    send(browser, same)
    assert len(stored()) == 1
    assert VisitorSession.objects.get().page_views == 1


@pytest.mark.parametrize("name", ["user-agent", "referer", "accept-language"])
@pytest.mark.parametrize("value", ["x" * 64 * KIB, "\xff\xfe\x80", "\x01\x7f", "http://[::1", "%00%ff"], ids=ascii)
def test_absurd_headers_lose_no_event(name: str, value: str) -> None:
    client = Client(headers={"user-agent": CHROME} | {name: value})
    assert send(client, view()).status_code == 202
    agent = value if name == "user-agent" else CHROME
    assert len(stored()) == (0 if parse(agent).is_bot else 1)


@pytest.mark.parametrize("referrer", ABSURD_REFERRERS, ids=ascii)
def test_an_absurd_referrer_loses_no_event(browser: Client, referrer: str) -> None:
    assert send(browser, view(referrer=referrer)).json()["accepted"] == 1
    assert len(stored()) == 1


def test_a_page_that_can_send_no_header_shows_its_session_in_the_body(browser: Client) -> None:
    session = browser.get(CURRENT).json()["data"]["session"]
    elsewhere = Client(headers={"user-agent": CHROME})
    send(elsewhere, {"events": [view()], "session": session["token"]})
    [event] = stored()
    assert str(event.session_id) == session["sessionId"]


def test_a_forged_session_in_the_body_is_none(browser: Client) -> None:
    session = browser.get(CURRENT).json()["data"]["session"]
    elsewhere = Client(headers={"user-agent": CHROME})
    assert send(elsewhere, {"events": [view()], "session": session["token"][:-1] + "!"}).status_code == 202
    [event] = stored()
    assert str(event.session_id) != session["sessionId"]


@pytest.mark.parametrize("header", ["sec-gpc", "dnt"])
def test_a_browser_that_wishes_not_to_be_known_counts_as_denied(settings: LazySettings, header: str) -> None:
    settings.CONSENT_MODE = "opt_out"
    send(Client(headers={"user-agent": CHROME, header: "1"}), view())
    stored()
    assert VisitorSession.objects.get().consent == "denied"


def test_a_script_that_says_so_ends_recognition_in_mid_visit(settings: LazySettings, browser: Client) -> None:
    settings.CONSENT_MODE = "opt_out"
    send(browser, view())
    stored()
    assert VisitorSession.objects.get().user_agent == CHROME
    send(browser, {"events": [view(page="/2")], "optOut": True})
    stored()
    visit = VisitorSession.objects.get()
    assert (visit.consent, visit.user_agent) == ("denied", "")
    assert ConsentRecord.objects.get().choice == "denied"


def test_engagement_is_time_spent_and_no_deed(browser: Client) -> None:
    send(browser, {"events": [view(), {"eventType": "engagement", "page": "/", "metadata": {"seconds": 7}}]})
    send(browser, {"eventType": "engagement", "metadata": {"seconds": "a lot"}})
    stored()
    visit = VisitorSession.objects.get()
    assert (visit.engagement_seconds, visit.other_events, visit.page_views) == (7, 0, 1)


def test_when_the_stream_is_full_events_go_to_postgresql(settings: LazySettings, browser: Client) -> None:
    send(browser, view())
    settings.EVENT_STREAM_LIMIT = 1
    assert send(browser, view(page="/late")).status_code == 202
    assert core_redis.client().xlen(state.STREAM) == 2
    assert len(stored()) == 2


def test_when_nothing_can_take_an_event_it_says_so(settings: LazySettings, browser: Client) -> None:
    send(browser, view())
    settings.EVENT_STREAM_LIMIT = 1
    with database_away():
        answer = send(browser, view())
    assert (answer.status_code, answer.json()["error"]) == (503, "NOT_READY")
    assert int(answer["Retry-After"]) > 0
    assert core_redis.client().xlen(state.STREAM) == 2


def test_while_postgresql_is_away_events_wait_in_the_stream(browser: Client) -> None:
    send(browser, view())
    with database_away():
        assert send(browser, view(page="/meanwhile")).status_code == 202
    assert sorted(event.page for event in stored()) == ["/", "/meanwhile"]


def ended_token(client: Client) -> str:
    """The token of a visit that ended long ago."""
    session = client.get(CURRENT).json()["data"]["session"]
    core_redis.client().flushdb()
    ingest.flush(consumer="test")
    VisitorSession.objects.filter(pk=session["sessionId"]).update(ended_at=datetime.now(UTC))
    return str(session["token"])


def test_a_live_session_in_the_body_goes_before_a_cookie_that_ended(browser: Client) -> None:
    ended_token(browser)
    live = Client(headers={"user-agent": "ShopApp/1.0"}).get(CURRENT).json()["data"]["session"]
    send(browser, {"events": [view()], "session": live["token"]})
    [event] = stored()
    assert str(event.session_id) == live["sessionId"]


def test_what_comes_with_a_token_that_ended_is_one_new_visit(browser: Client) -> None:
    token = ended_token(browser)
    for number in (1, 2, 3):  # from other networks, so that nothing but the token tells who it is
        elsewhere = Client(headers={"user-agent": CHROME}, REMOTE_ADDR=f"203.0.{number}.9")
        send(elsewhere, {"events": [view(page=f"/{number}")], "session": token})
    events = stored()
    assert len({event.session_id for event in events}) == 1
    assert len(events) == 3


def test_whoever_has_an_old_token_is_told_nothing_of_the_visit_after_it(browser: Client) -> None:
    token = ended_token(browser)
    owner = browser.get("/api/v1/storefront/products").cookies["visitor_session"].value
    other = Client(headers={"user-agent": CHROME, "x-visitor-session": token})
    assert "visitor_session" not in other.get("/api/v1/storefront/products").cookies
    assert other.get(CURRENT).json()["data"]["session"]["token"] != owner


def test_a_link_within_a_shop_of_another_origin_is_no_referral(settings: LazySettings, browser: Client) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    body = {"landingPage": "/cart", "referrer": "https://shop.example/mugs"}
    browser.post("/api/v1/storefront/session", body, content_type="application/json")
    ingest.flush(consumer="test")
    visit = VisitorSession.objects.get()
    assert (visit.channel, visit.referrer) == ("direct", "")


def test_an_address_that_tracks_too_often_is_told_when_to_come_again(settings: LazySettings) -> None:
    limit(settings, track="2/minute")
    caller = Caller()
    answers = [caller.post(TRACK, {"eventType": "page_view", "page": "/"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["error"] == "RATE_LIMITED"
    assert answers[2]["Retry-After"] == answers[0]["RateLimit"].partition("t=")[2]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_metadata_is_nested_32_levels_deep_at_most(browser: Client, opening: str) -> None:
    """Nested some hundred levels deep, it could be read here, but not written by whoever is a few calls further in."""
    closing = "]" if opening == "[" else "}"
    for levels, accepted in [(31, 1), (32, 0), *((deep, 0) for deep in range(800, 1000, 10))]:
        nested = opening * levels + "1" + closing * levels
        answer = send(browser, f'{{"events": [{{"eventType": "search", "metadata": {{"a": {nested}}}}}]}}'.encode())
        assert answer.status_code in (202, 400), levels
        assert answer.json().get("accepted", 0) == accepted


def test_metadata_is_measured_as_it_is_sent_not_by_its_escapes(browser: Client) -> None:
    answer = send(browser, {"events": [view(metadata={"q": "ă" * 2000}), view(metadata={"q": "ă" * 2100})]}).json()
    assert [refusal["index"] for refusal in answer["rejected"]] == [1]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_what_is_no_post_is_refused_in_the_envelope(browser: Client, method: str) -> None:
    answer = getattr(browser, method)(TRACK)
    assert (answer.status_code, answer.json()["error"], answer["Allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")


def page_views(browser: Client) -> int:
    """What the visit says of itself, before anything of it is stored."""
    found: int = browser.get(CURRENT).json()["data"]["session"]["pageViews"]
    return found


@pytest.mark.parametrize("before", [0, 1], ids=["that began the visit", "of a known visit"])
def test_a_page_view_sent_again_counts_once_at_once(browser: Client, before: int) -> None:
    for number in range(before):
        send(browser, view(page=f"/{number}"))
    again = view(eventId=str(uuid4()))
    for _ in range(3):
        assert send(browser, again).json() == {"accepted": 1, "rejected": []}
    assert page_views(browser) == before + 1


def test_a_whole_batch_sent_again_counts_once_at_once(browser: Client) -> None:
    send(browser, view())
    batch = {"events": [view(eventId=str(uuid4())) for _ in range(100)]}
    send(browser, batch)
    send(browser, batch)
    assert page_views(browser) == 101


def test_a_page_view_sent_again_after_an_outage_counts_once(browser: Client) -> None:
    again = view(eventId=str(uuid4()))
    send(browser, again)
    ingest.flush(consumer="test")
    state.begin_epoch(core_redis.client())
    send(browser, again)
    assert page_views(browser) == 1


def test_a_visit_that_begins_while_the_stream_is_full_stays_one(settings: LazySettings, browser: Client) -> None:
    settings.EVENT_STREAM_LIMIT = 0
    answers = [send(browser, view(page=f"/{number}")).status_code for number in range(4)]
    assert answers == [202] * 4
    assert VisitorSession.objects.get().page_views == 4
    assert browser.get(CURRENT).json()["data"]["session"]["pageViews"] == 4


def test_a_stale_visit_is_brought_back_though_the_stream_is_full(settings: LazySettings, browser: Client) -> None:
    send(browser, view(page="/before"))
    state.begin_epoch(core_redis.client())
    settings.EVENT_STREAM_LIMIT = 1
    assert send(browser, view(page="/after")).status_code == 202
    assert [event.page for event in stored()] == ["/before", "/after"]
