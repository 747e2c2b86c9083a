"""Requests that go another way than through all of the middleware: the busiest one, and probes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.utils.module_loading import import_string

from config import health
from sessions_app.track import track

Handler = Callable[[HttpRequest], Any]
TRACK = "/api/v1/analytics/track"
TRACK_MIDDLEWARE = (
    "core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.lanes.CorsIfForeign",
    "sessions_app.middleware.VisitMiddleware",
)
"""What of MIDDLEWARE tracking needs. The rest (login, CSRF, messages, static files) costs as much as tracking itself;
the language is looked up when there is something to say."""


class CorsIfForeign(CorsMiddleware):
    """CORS for pages of another origin; for the shop's own there is nothing to allow."""

    def __call__(self, request: HttpRequest) -> Any:
        own = request.META.get("HTTP_ORIGIN", "").partition("//")[2] in ("", request.META.get("HTTP_HOST"))
        return self.get_response(request) if own else super().__call__(request)


class LanesMiddleware:
    """Stands before all other middleware.

    Tracking passes only the middleware that does something for it. Probes pass none: an orchestrator asks by an
    address that is none of our hosts, over plain HTTP.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.lanes: dict[str, Handler] = {
            TRACK: reduce(wrapped, reversed(TRACK_MIDDLEWARE), convert_exception_to_response(track)),
            "/livez": convert_exception_to_response(health.livez),
            "/readyz": convert_exception_to_response(health.readyz),
        }

    def __call__(self, request: HttpRequest) -> Any:
        lane = self.lanes.get(request.path_info)
        if lane is None:
            return self.get_response(request)
        response = lane(request)
        response["Content-Length"] = str(len(response.content))  # as CommonMiddleware does: else it goes out in chunks
        return response


def wrapped(inner: Handler, path: str) -> Handler:
    """The middleware of that name around what is further in."""
    return convert_exception_to_response(import_string(path)(inner))
