"""Requests that go another way than through all of the middleware: the busiest one, and probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest
from django.middleware.security import SecurityMiddleware
from django.utils.http import parse_header_parameters
from django.utils.module_loading import import_string

from config import health, metrics
from sessions_app.track import TRACK, track

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Handler = Callable[[HttpRequest], Any]
TRACK_MIDDLEWARE = (
    "core.middleware.RequestIdMiddleware",
    "config.lanes.SecurityOfData",
    "config.lanes.CorsIfForeign",
    "sessions_app.middleware.VisitMiddleware",
)
"""What of MIDDLEWARE tracking needs. The rest (login, CSRF, messages, static files) costs as much as tracking itself;
the language is looked up when there is something to say."""


class SecurityOfData(SecurityMiddleware):
    """What of it is of use to an answer that is no page: HTTPS, for how long, and that the answer is what it says."""

    def __init__(self, get_response: Handler) -> None:
        super().__init__(get_response)
        self.referrer_policy = self.cross_origin_opener_policy = None


class CorsIfForeign(CorsMiddleware):
    """CORS for pages of another origin; for the shop's own there is nothing to allow."""

    def __call__(self, request: HttpRequest) -> Any:
        own = request.META.get("HTTP_ORIGIN", "").partition("//")[2] in ("", request.META.get("HTTP_HOST"))
        return self.get_response(request) if own else super().__call__(request)


class LanesMiddleware:
    """Stands before all other middleware, for whoever asks without a web server (tests)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.lanes = lanes()

    def __call__(self, request: HttpRequest) -> Any:
        return self.lanes.get(request.path_info, self.get_response)(request)


class Request(WSGIRequest):
    """A Content-Type that cannot be read is none, here and wherever it is looked at again: 415, not a crash. What it
    says of the encoding is not needed, since all forms are in UTF-8.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = content_type(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}
            meta["CONTENT_TYPE"] = ""


content_type = lru_cache(maxsize=64)(parse_header_parameters)


class LanesHandler(WSGIHandler):
    """The web process. Its lanes pass by Django's signals too: what these do around each request (queries for
    debugging, connections, caches) costs as much as the answer. The one thing needed of it is done here.
    """

    request_class = Request

    def __init__(self) -> None:
        super().__init__()
        self.lanes = lanes()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        lane = self.lanes.get(environ["PATH_INFO"])
        if lane is None:
            return super().__call__(environ, start_response)
        try:
            response = lane(Request(environ))
        finally:
            close_old_connections()
        headers = [*response.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]


def lanes() -> Mapping[str, Handler]:
    """The paths, and who answers them.

    Tracking passes only the middleware that does something for it. Probes pass none: an orchestrator asks by an
    address that is none of our hosts, over plain HTTP.
    """
    tracking = reduce(wrapped, reversed(TRACK_MIDDLEWARE), convert_exception_to_response(track))
    probes = {"/livez": health.livez, "/readyz": health.readyz, "/metrics": metrics.metrics}
    return {TRACK: with_length(tracking)} | {
        path: with_length(convert_exception_to_response(probe)) for path, probe in probes.items()
    }


def with_length(inner: Handler) -> Handler:
    """Says how long the answer is, as CommonMiddleware does: else it goes out in chunks."""

    def answer(request: HttpRequest) -> Any:
        response = inner(request)
        response["Content-Length"] = str(len(response.content))
        return response

    return answer


def wrapped(inner: Handler, path: str) -> Handler:
    """The middleware of that name around what is further in."""
    return convert_exception_to_response(import_string(path)(inner))
