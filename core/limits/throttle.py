"""Limits of the API's views, as the REST framework's throttle."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.limits.counted import RateLimitedError
from core.limits.counting import count_request

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
        counted = count_request(request._request, GENERAL, *([named] if named else []), customer=customer)
        if counted is None:
            return True
        if counted.refused:
            raise RateLimitedError(counted)
        view.headers.update(counted.headers)
        return True
