"""Who may ask the API: nobody, a customer, staff; and what there is to ask about."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings
from django.test import Client

from tests.browsers import CHROME
from tests.customers.member import logged_in
from tests.factories import PASSWORD, CouponFactory, UserFactory
from tests.world import Shopper, World

CALLERS = ("nobody", "customer", "staff")
CSRF = "c" * 32


@dataclass
class Caller:
    """What a browser shows of somebody, and the ids of what is theirs, by the names that the API has for them."""

    cookies: dict[str, str]
    headers: dict[str, str]
    own: dict[str, list[str]] = field(default_factory=dict)

    def client(self) -> Client:
        """A browser of theirs that was not used yet; CSRF is enforced."""
        client = Client(
            enforce_csrf_checks=True, headers={"user-agent": CHROME, **self.headers}, raise_request_exception=False
        )
        for name, value in self.cookies.items():
            client.cookies[name] = value
        return client


def caller(kind: str, world: World) -> Caller:
    """One of CALLERS, who has ordered something and is about to buy more. Ask for billing first."""
    shopper = logged_in() if kind == "customer" else Shopper()
    order, checkout_id = shopper.order(world), shopper.checkout((world.mug, 1))
    cookies = {name: morsel.value for name, morsel in shopper.client.cookies.items()}
    headers = {"X-CSRFToken": getattr(shopper, "csrf", "")} if kind == "customer" else {}
    if kind == "staff":
        client = Client()
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        login = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookies |= {settings.SESSION_COOKIE_NAME: login, settings.CSRF_COOKIE_NAME: CSRF}
        headers = {"X-CSRFToken": CSRF}
    return Caller(cookies, headers, things(world, shopper, order=str(order.pk), checkout=checkout_id))


def things(world: World, shopper: Shopper, *, order: str, checkout: str) -> dict[str, list[str]]:
    """Values that lead further than to "there is no such thing", by the names of fields and of parts of paths."""
    coupon = CouponFactory()
    return {
        "checkout_id": [checkout],
        "checkoutId": [checkout],
        "order_id": [order],
        "productId": [str(world.mug.pk), str(world.tea.pk)],
        "slug_or_id": [world.mug.slug, str(world.mug.pk)],
        "shippingMethodId": [str(world.method.pk)],
        "code": [coupon.code],
        "couponCode": [coupon.code],
        "email": [shopper.email, "new@example.com"],
        "password": [PASSWORD],
        "currentPassword": [PASSWORD],
        "provider": ["stripe", "billing"],
    }
