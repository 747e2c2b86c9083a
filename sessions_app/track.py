"""`POST /api/v1/analytics/track` and `/tracker.js`: plain Django views, since they are the busiest of all."""

import gzip
import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from psycopg_pool import PoolTimeout

from core.api import json_failure
from sessions_app.events import EventError, parse_event
from sessions_app.middleware import VisitRequest

MOST_EVENTS = 100
MOST_BYTES = 256 * 1024
CONTENT_TYPES = ("application/json", "text/plain")


class TrackError(Exception):
    """The request as a whole cannot be taken."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


# No login is looked at here, only the visitor session, which a forged page view cannot harm.
@csrf_exempt
@require_POST
def track(request: HttpRequest) -> HttpResponse:
    """One event, or up to 100. One bad event never loses the good ones; 202 means that the good ones are kept."""
    visit = cast(VisitRequest, request).visit
    rejected = []
    try:
        events = read_events(request)
        for index, raw in enumerate(events):
            try:
                visit.record(parse_event(raw, now=visit.now))
            except EventError as error:
                rejected.append({"index": index, "error": error.code, "message": str(error)})
        visit.commit()
    except TrackError as refusal:
        return json_failure(refusal.code, refusal.status, refusal.message)
    except (OperationalError, PoolTimeout):
        answer = json_failure("NOT_READY", 503, _("The shop is not ready. Please try again in a moment."))
        answer["Retry-After"] = "5"
        return answer
    return JsonResponse({"accepted": len(events) - len(rejected), "rejected": rejected}, status=202)


def read_events(request: HttpRequest) -> list[Any]:
    """The raw events of a request.

    Raises:
        TrackError: wrong content type, too large, no JSON, no events or too many.
    """
    if request.content_type not in CONTENT_TYPES:
        raise TrackError("UNSUPPORTED_MEDIA_TYPE", 415, _("Send application/json or text/plain."))
    try:
        body = request.body
    except RequestDataTooBig:
        raise TrackError("PAYLOAD_TOO_LARGE", 413, _("256 KiB at most.")) from None
    if len(body) > MOST_BYTES:
        raise TrackError("PAYLOAD_TOO_LARGE", 413, _("256 KiB at most."))
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise TrackError("MALFORMED_JSON", 400, _("This is not JSON.")) from None
    events = sent["events"] if isinstance(sent, dict) and "events" in sent else [sent]
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise TrackError("INVALID_INPUT", 400, _("events: a list of 1 to 100."))
    return events


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
