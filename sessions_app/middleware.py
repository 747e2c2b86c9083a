"""Finds or begins the visitor session of storefront requests. One Redis round trip and no SQL for a known one."""

import logging
import re
from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse

from core.api import DATABASE_AWAY
from sessions_app.visits import Visit

log = logging.getLogger(__name__)
PREFIX = "/api/v1/"
WITHOUT_VISIT = tuple(
    PREFIX + path
    for path in (
        "health", "schema", "docs", "billing/", "ops/", "checkout/reminders/",
        "analytics/metrics", "analytics/daily", "analytics/funnel", "analytics/breakdown", "analytics/realtime",
        "analytics/hours", "analytics/goals",
    )
)  # fmt: skip

LEAVES_NO_EVENT = re.compile(PREFIX + r"(storefront/auth/.+|orders/[^/]+/(retry-payment|cancel))")
"""POSTs that say that somebody is there, and leave nothing else of it in the visit."""


class VisitRequest(HttpRequest):
    """A request that passed `VisitMiddleware`."""

    visit: Visit


class VisitMiddleware:
    """Gives requests below /api/v1/ a `visit`, and notes it when they are answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith(PREFIX) or path.startswith(WITHOUT_VISIT):
            return self.get_response(request)
        visit = cast(VisitRequest, request).visit = Visit(request)
        response = self.get_response(request)
        if response.status_code in (404, 429) and not visit.seen:
            return response  # nobody visits a page that is not there, nor one where they were turned away
        try:
            visit.commit()
            if request.method == "POST" and response.status_code < 300 and LEAVES_NO_EVENT.fullmatch(path):
                visit.confirm()
        except DATABASE_AWAY as error:
            log.error("a visit could not be noted, the answer goes out: %s", error)
        else:
            visit.set_cookies(response)
        return response
