"""What the apps below `sessions_app` may ask of a request's visit."""

import logging
from typing import Protocol, cast
from uuid import UUID

from django.db import DatabaseError
from django.db.utils import InterfaceError
from psycopg_pool import PoolTimeout
from rest_framework.request import Request

from core.limits.counting import Allowance
from core.redis import RedisAwayError

log = logging.getLogger(__name__)


class RequestVisit(Protocol):
    """The visit that `VisitMiddleware` put on a request."""

    def count(self, allowance: Allowance) -> None:
        """Counts the request, in the same trip to Redis that finds its visit if it shows one."""

    def record_view(self, *, product_id: UUID | None = None) -> None:
        """The API was read: a page view, and a product view of a product."""

    def log_in(self, customer_id: UUID) -> None:
        """The visitor logged in as this customer."""

    def log_out(self) -> None:
        """The customer logged out: the visit ends."""


def visit_of(request: Request) -> RequestVisit:
    """The visit of a request below /api/v1/."""
    return cast(RequestVisit, vars(request._request)["visit"])


def count_view(request: Request, *, product_id: UUID | None = None) -> None:
    """Counts a read of the API as a page view of the request's visit."""
    visit_of(request).record_view(product_id=product_id)


def log_in_visit(request: Request, *, customer_id: UUID) -> None:
    """Makes the request's visit the customer's. If that fails it is logged: nobody's login fails for a visit."""
    try:
        visit_of(request).log_in(customer_id)
    except (RedisAwayError, DatabaseError, InterfaceError, PoolTimeout):
        log.exception("a visit could not be made the customer's who logged in")


def log_out_visit(request: Request) -> None:
    """Ends the request's visit, so that whoever sits there next sees nothing of it."""
    visit_of(request).log_out()
