"""Requests that go another way than through all of the middleware: the busiest ones, and probes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, resolve
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_header_parameters
from django.utils.log import log_response
from django.utils.module_loading import import_string

from config import health, metrics
from config.headers import HeadersMiddleware
from core import measured
from core.answers import say
from core.postgresql.giving_back import close_taken
from core.postgresql.patience import SHOPPERS_SECONDS, USUAL_SECONDS, waits_at_most
from sessions_app.track import TRACK, track

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

Handler = Callable[[HttpRequest], Any]
TRACK_MIDDLEWARE = (
    "config.headers.HeadersMiddleware",
    "core.middleware.RequestIdMiddleware",
    "config.lanes.SecurityOfData",
    "config.lanes.CorsIfForeign",
    "sessions_app.middleware.VisitMiddleware",
)
"""What of MIDDLEWARE tracking needs. The rest (login, CSRF, messages, static files) costs as much as tracking itself;
the language is looked up when there is something to say."""
SHOPPING = ("/api/v1/checkout/", "/api/v1/orders")
SHOPPERS = (*SHOPPING, "/api/v1/storefront/", "/api/v1/billing/", "/api/v1/health")
"""Where nobody waits long for PostgreSQL; staff may, for the figures of a year."""
SHOPPING_MIDDLEWARE = (
    "config.headers.HeadersMiddleware",
    "core.middleware.RequestIdMiddleware",
    "config.lanes.SecurityOfData",
    "config.lanes.CorsIfForeign",
    "config.lanes.LanguageOfData",
    "sessions_app.middleware.VisitMiddleware",
    "django.middleware.common.CommonMiddleware",
)
"""What of it a checkout or an order needs for somebody who shows no login: the rest has nothing to do then."""
PROBES: Mapping[str, Handler] = {"/livez": health.livez, "/readyz": health.readyz, "/metrics": metrics.metrics}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
VARY = ("Cookie", "origin", "Accept-Language")
"""What an answer to it depends on; said at once, not by one after the other."""


class SecurityOfData(SecurityMiddleware):
    """What of it the headers of every answer do not say already: HTTPS, and for how long."""

    def __init__(self, get_response: Handler) -> None:
        super().__init__(get_response)
        self.referrer_policy = self.cross_origin_opener_policy = None
        self.content_type_nosniff = False


class CorsIfForeign(CorsMiddleware):
    """CORS for pages of another origin; for the shop's own there is nothing to allow, but it may be listed: with HTTP
    it is another one than with HTTPS.
    """

    def __call__(self, request: HttpRequest) -> Any:
        origin = request.META.get("HTTP_ORIGIN", "")
        own = origin.partition("//")[2] in ("", request.META.get("HTTP_HOST"))
        if own and origin not in settings.CORS_ALLOWED_ORIGINS:
            return self.get_response(request)
        return super().__call__(request)


class LanguageOfData(LocaleMiddleware):
    """The language of whoever asks, where no address has one in it."""

    def process_request(self, request: HttpRequest) -> None:
        translation.activate(translation.get_language_from_request(request))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        patch_vary_headers(response, VARY)
        response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
        return response


class Lanes:
    """Who answers a request that goes another way.

    Tracking, and shopping without a login, pass only the middleware that does something for them. Probes pass none: an
    orchestrator asks by an address that is none of our hosts, over plain HTTP.
    """

    def __init__(self) -> None:
        self.shopping = through(SHOPPING_MIDDLEWARE, logged(convert_exception_to_response(routed)))
        self.by_path = {TRACK: with_length(through(TRACK_MIDDLEWARE, track))} | {
            path: HeadersMiddleware(with_length(convert_exception_to_response(probe))) for path, probe in PROBES.items()
        }

    def of(self, environ: Mapping[str, Any]) -> Handler | None:
        """The lane of a request, None if it has none. Who may be logged in takes the long way."""
        path: str = environ["PATH_INFO"]
        if path.startswith(SHOPPING) and settings.SESSION_COOKIE_NAME not in environ.get("HTTP_COOKIE", ""):
            return self.shopping
        return self.by_path.get(path)


class LanesMiddleware:
    """Stands before all other middleware, for whoever asks without a web server (tests)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.lanes = Lanes()

    def __call__(self, request: HttpRequest) -> Any:
        return (self.lanes.of(request.META) or self.get_response)(request)


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
        self.lanes = Lanes()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        lane = self.lanes.of(environ)
        if lane is None:
            with waits_at_most(patience_for(environ["PATH_INFO"])):
                return super().__call__(environ, start_response)
        try:
            with waits_at_most(SHOPPERS_SECONDS):
                response = timed(lane, Request(environ))
        finally:
            close_taken()
        said = response.headers._store.values()  # as pairs already; `items` looks each of them up again
        headers = [*said, *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]

    def get_response(self, request: HttpRequest) -> Any:
        """What all others are answered, through the middleware."""
        return timed(super().get_response, request)


def timed(answer: Handler, request: HttpRequest) -> Any:
    """What is answered; how long that took is noted, by what was asked for. (A stream goes on afterwards.)"""
    begun = time.perf_counter()
    response = answer(request)
    method = request.method if request.method in METHODS else "other"
    labels = (method, route_of(request), str(response.status_code))
    measured.observe(measured.REQUESTS, labels, time.perf_counter() - begun)
    return response


def route_of(request: HttpRequest) -> str:
    """What was asked for, as the URLs have it: there are only so many, whatever strangers ask for."""
    if match := request.resolver_match:
        return str(match.route)
    if request.path_info in (TRACK, *PROBES):
        return request.path_info.lstrip("/")
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


def patience_for(path: str) -> float:
    """Seconds that a request of this path waits for PostgreSQL."""
    return SHOPPERS_SECONDS if path.startswith(SHOPPERS) else USUAL_SECONDS


def routed(request: HttpRequest) -> Any:
    """What the view of the path answers, as Django's handler has it."""
    match = request.resolver_match = route(request.path_info, settings.ROOT_URLCONF)
    response = match.func(request, *match.args, **match.kwargs)
    return response.render() if hasattr(response, "render") else response


@lru_cache(maxsize=512)
def route(path: str, urls: str) -> ResolverMatch:
    """The view of a path: the same few are asked for again and again.

    Raises:
        Resolver404: it has none.
    """
    return resolve(path, urls)


def logged(inner: Handler) -> Handler:
    """Says what was refused, as Django's handler does."""

    def answer(request: HttpRequest) -> Any:
        response = inner(request)
        if response.status_code >= 400:
            log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        return response

    return answer


def with_length(inner: Handler) -> Handler:
    """Says how long the answer is, as CommonMiddleware does: else it goes out in chunks."""

    def answer(request: HttpRequest) -> Any:
        response = inner(request)
        say(response, {"Content-Length": str(len(response.content))})
        return response

    return answer


def through(middleware: Sequence[str], view: Handler) -> Handler:
    """The view behind the middleware of these names, the first outside."""
    return reduce(wrapped, reversed(middleware), convert_exception_to_response(view))


def wrapped(inner: Handler, path: str) -> Handler:
    """The middleware of that name around what is further in."""
    return convert_exception_to_response(import_string(path)(inner))
