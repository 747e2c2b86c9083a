"""The shop's settings without visits: what a page costs when nobody is counted."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from config import settings as shop

OURS = "sessions_app.middleware.VisitMiddleware"
STAND_IN = f"{__name__}.NoVisitMiddleware"


class NoVisit:
    """A visit that counts nothing; the views ask it to."""

    def record_view(self, *, product_id: UUID | None = None) -> None:
        """Does nothing."""


class NoVisitMiddleware:
    """Gives every request the visit that counts nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.visit = NoVisit()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        vars(request)["visit"] = self.visit
        return self.get_response(request)


def without_visits() -> dict[str, Any]:
    """The shop's settings, the middleware taken out. A shop that has no such middleware would make a false floor."""
    assert OURS in shop.MIDDLEWARE
    changed = {"MIDDLEWARE": [STAND_IN if name == OURS else name for name in shop.MIDDLEWARE]}
    return {name: value for name, value in vars(shop).items() if name.isupper()} | changed


vars().update(without_visits())
