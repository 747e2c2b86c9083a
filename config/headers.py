"""What every answer tells the browser that gets it: what may run on the page, who may frame or embed it, who keeps it.

One place for all, chosen by the first part of the address. A view that sets one of these headers itself keeps its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.answers import Headers, prepared
from sessions_app.track import TRACK

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOBODY_KEEPS = {"Cache-Control": "no-store"}
"""Neither browser nor proxy: the next one to ask may be somebody else."""
FOR_ANY_SITE = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""Shops of other origins load the script and the pictures, and their beacons read no answer."""
OF_PAGES = {
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def policy(**changes: str) -> dict[str, str]:
    """The Content-Security-Policy of a page: what is of our own origin and stands in files of its own.

    `changes` says otherwise, `style_src="'self' 'unsafe-inline'"`; "" leaves a rule out.
    """
    rules = {
        "default_src": "'none'",
        "script_src": "'self'",
        "style_src": "'self'",
        "img_src": "'self'",
        "font_src": "'self'",
        "connect_src": "'self'",
        "form_action": "'self'",
        "object_src": "'none'",
        "base_uri": "'none'",
        "frame_ancestors": "'none'",
    } | changes
    said = (f"{name.replace('_', '-')} {sources}" for name, sources in rules.items() if sources)
    return {"Content-Security-Policy": "; ".join(said)}


NOTHING_RUNS = {
    "Content-Security-Policy": "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
}
"""Data and files lead nowhere, open nothing and stand in no frame: what else pages say would say nothing here. Each
header costs the answer to a page view some hundredths of its time.
"""


def all_of(*parts: dict[str, str]) -> Headers:
    """What is said everywhere and these, the later ones first."""
    return prepared(reduce(or_, parts, EVERYWHERE))


DATA = all_of(NOTHING_RUNS, NOBODY_KEEPS)
PAGE = all_of(policy(), OF_PAGES)
FILE = all_of(NOTHING_RUNS, FOR_ANY_SITE)
# Alpine, which the admin's theme is made with, reads its directives as JavaScript ('unsafe-eval') and sets styles.
# Inline scripts and handlers are refused here too. Pictures of products may lie on any host that the shop chooses.
ADMIN = all_of(
    policy(script_src="'self' 'unsafe-eval'", style_src="'self' 'unsafe-inline'", img_src="'self' data: https:"),
    OF_PAGES,
    NOBODY_KEEPS,
)
# Swagger UI sets styles and draws its icons from data. What it tries is sent to this shop alone.
REFERENCE = all_of(policy(style_src="'self' 'unsafe-inline'", img_src="'self' data:"), OF_PAGES)
# Its buttons lead back to the shop, which may be on any host: browsers hold redirects after a form against form-action.
PAY_PAGE = all_of(policy(form_action=""), OF_PAGES, NOBODY_KEEPS)

BY_PATH = {
    "/api/v1/docs": REFERENCE,
    TRACK: all_of(NOTHING_RUNS, NOBODY_KEEPS, FOR_ANY_SITE),
    "/tracker.js": FILE,
    "/livez": DATA,
    "/readyz": DATA,
    "/metrics": DATA,
}
BY_AREA = {"api": DATA, "admin": ADMIN, "billing": PAY_PAGE, settings.STATIC_URL.strip("/"): FILE}
"""By the first part of the address. What is in neither is a page."""


def headers_of(path: str) -> Headers:
    """What an answer at that address says unless its view says otherwise."""
    return BY_PATH.get(path) or BY_AREA.get(path[1:].partition("/")[0], PAGE)


class HeadersMiddleware:
    """Puts them on. Around all else, so that refusals and redirects have them too."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response: HttpResponseBase = self.get_response(request)
        told = response.headers
        told._store = headers_of(request.path_info) | told._store
        return response
