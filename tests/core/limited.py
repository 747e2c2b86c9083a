"""Clients of a shop in which nobody is spared the limits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import LazySettings
from django.http import HttpRequest
from django.test import Client

from core import limits
from core.limits import Counted, RateLimitedError
from tests.browsers import CHROME

HERE, ELSEWHERE = "203.0.113.9", "198.51.100.1"
PRODUCTS = "/api/v1/storefront/products"
INITIATE = "/api/v1/checkout/initiate"


def limit(settings: LazySettings, **limits: str) -> None:
    """These limits, for customers too, and no network that is spared."""
    settings.RATE_LIMIT_ALLOWLIST = []
    settings.RATE_LIMITS = settings.RATE_LIMITS | limits
    settings.RATE_LIMITS_CUSTOMER = {name: settings.RATE_LIMITS[name] for name in settings.RATE_LIMITS_CUSTOMER}


def count_request(request: HttpRequest, *names: str) -> Counted | None:
    """Counts a request on these limits; how its client stands then."""
    allowance = limits.allowance(request, *names)
    if allowance is None:
        return None
    with suppress(RateLimitedError):
        allowance.check()
    return allowance.counted


class Caller:
    """Somebody at an address, without cookies unless logged in."""

    def __init__(self, address: str = HERE, user: Any = None, **headers: str) -> None:
        self.client = Client(REMOTE_ADDR=address, headers={"user-agent": CHROME, **headers})
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str = PRODUCTS, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(path, body or {}, content_type="application/json", headers=headers)

    def initiate(self, **headers: str) -> Any:
        """With an empty cart: refused by what it says, if not by how often."""
        return self.post(INITIATE, {"cartItems": []}, **headers)
