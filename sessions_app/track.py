"""`POST /api/v1/analytics/track` and `/tracker.js`: plain Django views, since they are the busiest of all."""

import gzip
import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from core import limits
from core.answers import say
from core.api import DATABASE_AWAY, json_failure
from sessions_app.events import Event, EventError, parse_event
from sessions_app.middleware import VisitRequest
from sessions_app.visits import Visit

TRACK = "/api/v1/analytics/track"
MOST_EVENTS = 100
MOST_BYTES = 256 * 1024
CONTENT_TYPES = ("application/json", "text/plain")
RETRY_SECONDS = 5


class TrackError(Exception):
    """The request as a whole cannot be taken."""

    def __init__(self, code: str, status: int, message: Promise) -> None:
        super().__init__(code)
        self.code, self.status, self.message = code, status, message


@dataclass(frozen=True)
class Sent:
    """A request's body: raw events, and what pages say that can send no header (`navigator.sendBeacon`)."""

    events: list[Any]
    session: str = ""
    opt_out: bool = False


# No login is looked at here, only the visitor session, which a forged page view cannot harm.
@csrf_exempt
def track(request: HttpRequest) -> HttpResponse:
    """One event, or up to 100, as many requests as the limit of an address lets through.

    A known visit is counted in the one trip to Redis that its events take; what takes none is counted afterwards.
    """
    if request.method != "POST":
        return not_a_post(request)
    visit = cast(VisitRequest, request).visit
    allowance = visit.allowance = limits.allowance(request, "track", endpoint=TRACK)
    if allowance is None:
        return taken(request, visit)
    try:
        answer = taken(request, visit)
        allowance.check()
    except limits.RateLimitedError:
        answer = refused(request, TrackError("RATE_LIMITED", 429, limits.TOO_MANY))
    if allowance.counted:
        say(answer, allowance.counted.headers)
    return answer


def not_a_post(request: HttpRequest) -> HttpResponse:
    """Events are posted."""
    answer = refused(request, TrackError("METHOD_NOT_ALLOWED", 405, _("Send a POST request.")))
    answer["Allow"] = "POST"
    return answer


def taken(request: HttpRequest, visit: Visit) -> HttpResponse:
    """One bad event never loses the good ones; 202 means that the good ones are kept."""
    try:
        sent = read(request)
        if sent.session:
            visit.show(sent.session)
        if sent.opt_out:
            visit.opt_out()
        events, errors = parse_events(sent.events, visit.now)
        for event in events:
            visit.record(event)
        visit.commit()
    except TrackError as refusal:
        return refused(request, refusal)
    except DATABASE_AWAY:  # Redis is away or full, and PostgreSQL is not there to take its place
        answer = refused(request, TrackError("NOT_READY", 503, NOT_READY))
        answer["Retry-After"] = str(RETRY_SECONDS)
        return answer
    body = answered(len(events), told(request, errors)) if errors else all_taken(len(events))
    return HttpResponse(body, content_type="application/json", status=202)


def answered(accepted: int, rejected: list[dict[str, Any]]) -> bytes:
    """What became of the events."""
    return json.dumps({"accepted": accepted, "rejected": rejected}).encode()


@lru_cache(maxsize=MOST_EVENTS)
def all_taken(accepted: int) -> bytes:
    """The usual answer: nothing was wrong with any."""
    return answered(accepted, [])


NOT_READY = _("The shop is not ready. Please try again in a moment.")


def parse_events(sent: list[Any], now: datetime) -> tuple[list[Event], dict[int, EventError]]:
    """The good ones, and what is wrong with the others, by their place."""
    events: list[Event] = []
    errors: dict[int, EventError] = {}
    for index, raw in enumerate(sent):
        try:
            events.append(parse_event(raw, now=now))
        except EventError as error:
            errors[index] = error
    return events, errors


def told(request: HttpRequest, errors: dict[int, EventError]) -> list[dict[str, Any]]:
    """The refusals in the sender's language."""
    with translation.override(translation.get_language_from_request(request)):
        return [{"index": index, "error": error.code, "message": str(error)} for index, error in errors.items()]


def refused(request: HttpRequest, refusal: TrackError) -> HttpResponse:
    """The answer to a request that cannot be taken."""
    with translation.override(translation.get_language_from_request(request)):
        return json_failure(refusal.code, refusal.status, refusal.message)


def read(request: HttpRequest) -> Sent:
    """What a request sends.

    Raises:
        TrackError: wrong content type, too large, no JSON, no events or too many.
    """
    if request.content_type not in CONTENT_TYPES:
        raise TrackError("UNSUPPORTED_MEDIA_TYPE", 415, _("Send application/json or text/plain."))
    try:
        sent = decoded(body_of(request))
    except (ValueError, RecursionError):
        raise TrackError("MALFORMED_JSON", 400, _("This is not JSON.")) from None
    if not (isinstance(sent, dict) and "events" in sent):
        return Sent([sent])
    events, session = sent["events"], sent.get("session")
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise TrackError("INVALID_INPUT", 400, _("events: a list of 1 to 100."))
    return Sent(events, session if isinstance(session, str) else "", sent.get("optOut") is True)


def whole(digits: str) -> int | float:
    """An integer. One of more digits than can be read is no finite number, for which its event alone is refused."""
    try:
        return int(digits)
    except ValueError:
        return inf


DECODER = json.JSONDecoder(parse_int=whole)


def decoded(body: bytes) -> Any:
    """What `json.loads` would make of it, which makes a decoder for each body that asks for more than the usual.

    Raises:
        ValueError: it is no JSON.
    """
    return DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))


def body_of(request: HttpRequest) -> bytes:
    """The body, unpacked if it came gzipped; no more of it than may be.

    Raises:
        TrackError: it is larger, packed in another way, or damaged.
    """
    try:
        body = request.body
    except RequestDataTooBig:
        raise TrackError("PAYLOAD_TOO_LARGE", 413, TOO_LARGE) from None
    match request.META.get("HTTP_CONTENT_ENCODING", "identity"):
        case "identity":
            pass
        case "gzip":
            body = unpacked(body)
        case _other:
            raise TrackError("UNSUPPORTED_MEDIA_TYPE", 415, _("Content-Encoding: gzip, or none."))
    if len(body) > MOST_BYTES:
        raise TrackError("PAYLOAD_TOO_LARGE", 413, TOO_LARGE)
    return body


TOO_LARGE = _("256 KiB at most.")


def unpacked(body: bytes) -> bytes:
    """A gzipped body, as far as one byte too many.

    Raises:
        TrackError: it is damaged.
    """
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, MOST_BYTES + 1)
    except zlib.error:
        raise TrackError("MALFORMED_JSON", 400, _("This is not gzip.")) from None


@cache
def script() -> tuple[bytes, bytes, str]:
    """The script, the same compressed, and its ETag."""
    text = (Path(__file__).parent / "tracker.js").read_bytes()
    return text, gzip.compress(text, mtime=0), f'"{sha256(text).hexdigest()[:16]}"'


@require_safe
def tracker_js(request: HttpRequest) -> HttpResponse:
    """The script for shops. Cacheable for an hour, then asked for again with its ETag."""
    text, compressed, etag = script()
    if request.META.get("HTTP_IF_NONE_MATCH") == etag:
        answer = HttpResponse(status=304)
    elif "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", ""):
        answer = HttpResponse(compressed, content_type="text/javascript; charset=utf-8")
        answer["Content-Encoding"] = "gzip"
    else:
        answer = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    answer["ETag"] = etag
    answer["Cache-Control"] = "public, max-age=3600"
    answer["Access-Control-Allow-Origin"] = "*"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer
