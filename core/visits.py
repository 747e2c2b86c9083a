"""What the apps below `sessions_app` may ask of a request's visit."""

from typing import Protocol, cast
from uuid import UUID

from rest_framework.request import Request


class CountsViews(Protocol):
    """A visit that counts what was looked at."""

    def record_view(self, *, product_id: UUID | None = None) -> None:
        """The API was read: a page view, and a product view of a product."""


def count_view(request: Request, *, product_id: UUID | None = None) -> None:
    """Counts a read of the API as a page view of the request's visit (`VisitMiddleware` put it there)."""
    cast(CountsViews, vars(request._request)["visit"]).record_view(product_id=product_id)
