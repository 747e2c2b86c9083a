"""Bytes that no schema knows of: each request is answered with a clear refusal, and nothing is stored of it."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.validators import ProhibitNullCharactersValidator
from jsonschema import Draft202012Validator
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from tests.billing_server import BillingService
from tests.security.api_routes import UNSAFE, Route, routes
from tests.security.callers import Caller, caller
from tests.security.fuzzing import raw_schema, undone
from tests.stored import rows_of
from tests.world import World

pytestmark = pytest.mark.django_db

EVERY = "SCHEMA_CASES" in os.environ
"""`make promises` puts each bad value into each field; else each field takes its turn at some of them."""
HUGE = "1" + "0" * 5000
DEEP = "[" * 100_000
VALUES = [
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', "1e400", "-1e400", "NaN", "Infinity", "-Infinity", HUGE,
    "-1", "0", "1.5", "1e2", "true", "false", "null", "[]", "{}", '"' + "x" * 100_000 + '"', '""', '"' + HUGE + '"',
    "[" * 500 + "]" * 500, '{"a":' * 300 + "1" + "}" * 300, r'"\u202e\uffff"', "9223372036854775808", '"NaN"',
    '"1e400"',
]  # fmt: skip
"""JSON as it is sent, to stand in place of a field."""
BODIES: list[tuple[bytes, str, tuple[tuple[int, str], ...]]] = [
    (b"{", "application/json", ((400, "MALFORMED_JSON"),)),
    (b"\x00", "application/json", ((400, "MALFORMED_JSON"),)),
    (DEEP.encode(), "application/json", ((400, "MALFORMED_JSON"),)),
    (b'{"a":' * 50_000, "application/json", ((400, "MALFORMED_JSON"),)),
    (HUGE.encode(), "application/json", ((400, "MALFORMED_JSON"),)),
    (b'{"a": ' + HUGE.encode() + b"}", "application/json", ((400, "MALFORMED_JSON"),)),
    ('{"a": "é"}'.encode("latin-1"), "application/json", ((400, "MALFORMED_JSON"),)),
    ('{"a": 1}'.encode("utf-16"), "application/json", ((400, "MALFORMED_JSON"),)),
    (b'{"a": "\xed\xa0\x80"}', "application/json", ((400, "MALFORMED_JSON"),)),
    (b'\xef\xbb\xbf{"a": 1}', "application/json", ((400, "MALFORMED_JSON"),)),
    (gzip.compress(b"0" * 10_000_000), "application/json", ((400, "MALFORMED_JSON"),)),
    (b"[]", "application/json", ((400, "INVALID_INPUT"),)),
    (b'"text"', "application/json", ((400, "INVALID_INPUT"),)),
    (b"null", "application/json", ((400, "INVALID_INPUT"),)),
    (b"1e400", "application/json", ((400, "INVALID_INPUT"), (400, "MALFORMED_JSON"))),
    (b'{"a": "' + b"x" * 10_000_000 + b'"}', "application/json", ((413, "PAYLOAD_TOO_LARGE"),)),
    (b"a=1", "application/x-www-form-urlencoded", ((415, "UNSUPPORTED_MEDIA_TYPE"),)),
    (b"--x\r\n", "multipart/form-data; boundary=x", ((415, "UNSUPPORTED_MEDIA_TYPE"),)),
    (b"{}", "application/xml", ((415, "UNSUPPORTED_MEDIA_TYPE"),)),
    (b"{}", "\x00", ((415, "UNSUPPORTED_MEDIA_TYPE"),)),
    (b"[]", "application/json; charset=\xff", ((400, "INVALID_INPUT"), (415, "UNSUPPORTED_MEDIA_TYPE"))),
]
"""Bodies, what they say that they are, and how they may be refused."""
BY_EVENT = ((400, "INVALID_INPUT"),)
"""Tracking reads more kinds of text than the rest, and says of each event what is wrong."""
GETS = [route for route in routes("GET") if route.pattern != "/api/v1/schema"]
"""But for the schema, which takes a second to make."""


def with_bodies(who: Caller) -> list[Route]:
    """The routes that read a body."""
    return [route for route in routes(*UNSAFE) if route.body(who.own) is not None and "billing" not in route.pattern]


def fields(body: Any, place: str = "") -> Iterator[str]:
    """The places of a body whose value can be another: `{"a": [{"b": 1}]}` has `a`, `a.0` and `a.0.b`."""
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in entries:
        yield f"{place}{name}"
        yield from fields(value, f"{place}{name}.")


def replaced(body: Any, place: str, mark: Any) -> Any:
    """The body with another value there."""
    first, _, rest = place.partition(".")
    if isinstance(body, list):
        return [replaced(entry, rest, mark) if rest else mark for entry in body]
    return {
        name: (replaced(value, rest, mark) if rest else mark) if name == first else value
        for name, value in body.items()
    }


def allowed(route: Route, text: str) -> bool:
    """Whether a body is one that the schema allows, if all that it holds can be read and kept."""
    try:
        value = json.loads(text, parse_constant=lambda _name: 1 / 0)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, ArithmeticError, RecursionError):
        return False
    if "\\u0000" in text:
        return False
    documented = route.documented or {}
    schema = documented["requestBody"]["content"]["application/json"]["schema"]
    return bool(Draft202012Validator({**schema, "components": raw_schema()["components"]}).is_valid(value))


def refusal(answer: Any) -> str:
    """The code of a refusal in the envelope, or of what tracking says of an event; "" if it is none."""
    body = answer.json()
    if answer.status_code == 202 and body.get("rejected"):
        return str(body["rejected"][0]["error"])
    if answer.status_code < 400:
        return ""
    assert set(body) == {"success", "error", "message", "details", "requestId"}, body
    return str(body["error"])


class Sender:
    """Sends what is bad, and keeps what was answered otherwise than with a refusal."""

    def __init__(self, who: Caller) -> None:
        self.who, self.client = who, who.client()
        self.wrong: list[str] = []
        self.sent = 0

    def send(self, route: Route, body: bytes, kind: str = "application/json", **headers: str) -> Any:
        """One request. What a good one changed is taken back."""
        self.sent += 1
        with undone():
            return self.client.generic(route.method, route.path(self.who.own), body, kind, headers=headers)

    def expect_refusal(self, route: Route, body: str, what: str) -> None:
        """Sends what the schema may allow; if it does not, it must be refused. A client's clock that is none is not
        believed, and loses no event.
        """
        answer = self.send(route, body.encode())
        code = refusal(answer) if answer.status_code < 500 else "a bug"
        fine = answer.status_code < 500 and (code or allowed(route, body) or what.startswith("timestamp="))
        if not fine:
            self.wrong.append(f"{route} {what}: {answer.status_code} {code} {answer.content[:200]!r}")


@pytest.fixture
def sender(request: pytest.FixtureRequest, world: World, billing: BillingService) -> Sender:
    return Sender(caller("customer", world))


def test_every_route_that_reads_a_body_is_known(sender: Sender) -> None:
    assert len(with_bodies(sender.who)) >= 17


def put_into_fields(sender: Sender, values: Callable[[int], Sequence[str]]) -> None:
    """Values in place of each field, as its number has them."""
    turn = count()
    for route in with_bodies(sender.who):
        body = route.body(sender.who.own)
        for place in fields(body):
            text = json.dumps(replaced(body, place, "MARK"))
            for value in values(next(turn)):
                sender.expect_refusal(route, text.replace('"MARK"', value), f"{place}={value[:40]}")


def test_no_field_takes_what_it_cannot_hold(sender: Sender) -> None:
    turns = [[VALUES[(turn + step * 9) % len(VALUES)] for step in range(3)] for turn in range(len(VALUES))]
    put_into_fields(sender, lambda turn: VALUES if EVERY else turns[turn % len(VALUES)])
    assert not sender.wrong, "\n".join(sender.wrong)


def test_control_a_field_that_takes_every_letter_is_noticed(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    for rule in (ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator):
        monkeypatch.setattr(rule, "__call__", lambda self, value: None)
    put_into_fields(sender, lambda turn: [r'"a\u0000b"'])
    assert sender.wrong


def send_bodies(sender: Sender) -> None:
    """What is no JSON object, to each route that reads one."""
    for turn, route in enumerate(with_bodies(sender.who)):
        for body, kind, refusals in BODIES if EVERY else BODIES[turn % 3 :: 3]:
            answer = sender.client.generic(route.method, route.path(sender.who.own), body, kind)
            status = 400 if answer.status_code == 202 else answer.status_code  # tracking refuses event by event
            if (status, refusal(answer)) not in (*refusals, *(BY_EVENT if answer.status_code == 202 else ())):
                sender.wrong.append(f"{route} {body[:30]!r} {kind!r}: {answer.status_code} {answer.content[:200]!r}")


def test_no_body_but_a_json_object_is_read_and_nothing_is_stored_of_it(sender: Sender) -> None:
    before = rows_of("")
    send_bodies(sender)
    assert not sender.wrong, "\n".join(sender.wrong)
    assert rows_of("") == before


def test_control_a_body_of_any_length_is_noticed(sender: Sender, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    send_bodies(sender)
    assert sender.wrong


# What stands around a body ------------------------------------------------------------------------------------------

TEXTS = [
    "", " ", "\x00", "a\x00b", "%00", "ü", "\ud800", "'\"--", "a b", "-1", "1e400", "NaN", "\u202e\uffff",
    "../../etc/passwd", "9" * 5000, "x" * 20_000, "eyJ" * 50, "W10", "WyJcdTAwMDAiXQ", "WyJcdWQ4MDAiXQ", "2026-13-45",
    "0001-01-01", "9999-12-31",
]  # fmt: skip
"""Values of parameters, parts of paths and headers. The four that begin with letters are cursors: `[]`, `["\\0"]`."""
HEADERS = [
    "X-Request-ID", "Idempotency-Key", "X-Order-Token", "X-Visitor-Session", "X-CSRFToken", "Accept-Language", "Accept",
    "Authorization", "Origin", "Referer", "User-Agent", "Cookie", "X-Forwarded-For", "Sec-GPC", "If-None-Match",
    "Content-Encoding", "Range", "Accept-Encoding", "X-Forwarded-Proto", "X-HTTP-Method-Override",
]  # fmt: skip


def assert_no_bug(answers: dict[str, Any]) -> None:
    """None of these is a bug, and a refusal below /api/ stands in the envelope."""
    wrong = []
    for what, answer in answers.items():
        kind = answer.headers.get("Content-Type", "")
        if answer.status_code >= 500 or (
            answer.status_code >= 400 and kind == "application/json" and not refusal(answer)
        ):
            wrong.append(f"{what}: {answer.status_code} {answer.content[:200]!r}")
    assert not wrong, "\n".join(wrong)


def some(values: list[str], turn: int) -> list[str]:
    """All, or those whose turn it is."""
    return values if EVERY else values[turn % 4 :: 4]


def test_no_part_of_a_path_is_a_bug(sender: Sender) -> None:
    answers = {}
    for turn, route in enumerate(route for route in routes("GET", *UNSAFE) if "<" in route.pattern):
        for text in some([value for value in TEXTS if value], turn):
            path = route.path(
                {}, **dict.fromkeys(["slug_or_id", "order_id", "checkout_id", "provider", "token"], quoted(text))
            )
            answers[f"{route} {text[:30]!r}"] = sender.client.generic(route.method, path, "{}", "application/json")
    assert_no_bug(answers)


@cache
def quoted(text: str) -> str:
    """As it stands in an address; halves of characters too."""
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def test_no_parameter_is_a_bug(world: World, billing: BillingService) -> None:
    client = caller("staff", world).client()
    own = caller("nobody", world).own
    answers = {}
    for turn, route in enumerate(GETS):
        names = [each["name"] for each in (route.documented or {}).get("parameters", []) if each["in"] == "query"]
        for name in [*names, "unknown"]:
            for text in some(TEXTS, turn):
                query = f"{name}={quoted(text)}" + (
                    "&from=2026-01-01&to=2026-01-02&dimension=os" if len(names) > 2 else ""
                )
                answers[f"{route} ?{name}={text[:30]!r}"] = client.generic("GET", f"{route.path(own)}?{query}")
    assert_no_bug(answers)


@pytest.mark.parametrize("query", ["a=1&" * 10_000, "&" * 20_000, "=" * 9_999, "%", "%zz=%", "\x00=\x00", "a[]=1&a=2"])
def test_no_query_is_a_bug(query: str, world: World, billing: BillingService) -> None:
    client = caller("staff", world).client()
    own = caller("nobody", world).own
    assert_no_bug({str(route): client.generic("GET", f"{route.path(own)}?{query}") for route in GETS})


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_is_a_bug(header: str, sender: Sender) -> None:
    asked = [
        Route("GET", "api/v1/storefront/products"), Route("GET", "api/v1/orders/<uuid:order_id>"),
        Route("POST", "api/v1/checkout/confirm-order"), Route("POST", "api/v1/analytics/track"),
    ]  # fmt: skip
    answers = {}
    for turn, route in enumerate(asked):
        body = json.dumps(route.body(sender.who.own) or {}).encode()
        for text in some(TEXTS, turn):
            shown = text.encode("utf-8", "surrogatepass").decode("latin-1")
            answers[f"{route} {header}: {text[:30]!r}"] = sender.send(route, body, **{header: shown})
    assert_no_bug(answers)
