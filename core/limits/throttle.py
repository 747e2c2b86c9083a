"""Limits of the API's views, as the REST framework's throttle."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core import limits
from core.visits import visit_of

GENERAL = "general"


class LimitThrottle(BaseThrottle):
    """Counts each request on the general limit, and on the one that the view names as its `limit`.

    Both before the body is read: a request that is refused for what it says counts too, it may be a guess. The answer
    tells in its headers how the client stands, whatever the answer is.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """Always true.

        Raises:
            RateLimitedError: one too many.
        """
        named: str = getattr(view, "limit", "")
        customer = str(request.user.pk) if request.user.is_authenticated else ""
        allowance = limits.allowance(request._request, GENERAL, *([named] if named else []), customer=customer)
        if allowance is None:
            return True
        if getattr(view, "asks_for_visit", False):
            visit_of(request).count(allowance)
        else:
            allowance.check()
        if allowance.counted is not None:
            view.headers.update(allowance.counted.headers)
        return True
