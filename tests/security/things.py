"""Somebody's things, with a mark in every personal field: an answer that holds one is about that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from orders.models import Order
from sessions_app.ingest import flush
from tests.customers.member import Member, account, mails
from tests.factories import PASSWORD, CouponFactory
from tests.world import World

EMAIL = "mark-mail@example.com"
NEW_EMAIL = "mark-newmail@example.com"
PLACE = {
    "line1": "Mark-line1",
    "line2": "Mark-line2",
    "city": "Mark-city",
    "region": "Mark-region",
    "postalCode": "MK1 1MK",
    "country": "GB",
}
NAMES = {"firstName": "Mark-first", "lastName": "Mark-last", "phone": "Mark-phone"}
BUYER = NAMES | {"shippingAddress": PLACE, "billingAddress": PLACE, "email": EMAIL}
AGENT, PAGE = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0 Mark-agent", "/mark-page"
KEY = "mark-idempotency-key"
MARKS = {*PLACE.values(), *NAMES.values(), EMAIL, NEW_EMAIL, PAGE, KEY, "Mark-agent", "Mark-home"} - {"GB"}


@dataclass(frozen=True)
class Things:
    """What stands in addresses and bodies. `marks` must be in no answer to others."""

    values: dict[str, Any]
    marks: frozenset[str] = frozenset()

    def nowhere(self) -> Things:
        """The same of nobody: ids of their form that nothing has."""
        return Things({name: missing(value) for name, value in self.values.items()}, self.marks)

    def marks_in(self, text: str) -> set[str]:
        """Those that stand in a text, in any case."""
        lowered = text.lower()
        return {mark for mark in self.marks if mark.lower() in lowered}


def missing(value: Any) -> Any:
    """A key like that one, which nothing has. What is no key stays."""
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        return str(uuid4())
    return value


class Owner(Member):
    """Mark: an account, a visit, a checkout under way, an order that waits for its payment; all of it in Redis too."""

    placed: Order
    token: str

    def __init__(self, world: World) -> None:
        super().__init__(EMAIL)
        self.world = world
        self.client.defaults["HTTP_USER_AGENT"] = AGENT
        account(EMAIL)
        self.look_around()
        self.log_in()
        self.fill_account()
        self.shop()
        mails()
        flush(consumer="test")

    def look_around(self) -> None:
        """A visit that said yes to being measured."""
        self.post("/analytics/track", {"eventType": "page_view", "page": PAGE})
        self.call("put", "/storefront/session/consent", {"analytics": True})

    def fill_account(self) -> None:
        """Names, an address, another e-mail address that is not proven yet."""
        home = PLACE | {"kind": "shipping", "line1": "Mark-home"}
        assert self.change(**NAMES, addresses=[home]).status_code == 200
        assert self.change(email=NEW_EMAIL, currentPassword=PASSWORD).status_code == 200

    def shop(self) -> None:
        """Two checkouts, of which one becomes an order; read once, so that they are kept."""
        code = CouponFactory.create().code
        self.ordered, self.checkout_id = self.checkout((self.world.mug, 1)), self.checkout((self.world.mug, 1))
        self.apply(self.ordered, code)
        answer = self.confirm(self.ordered, self.world, KEY, **BUYER)
        assert answer.status_code == 201, answer.json()
        self.token = answer.json()["data"]["orderToken"]
        self.placed = Order.objects.get(pk=answer.json()["data"]["order"]["orderId"])
        body = {"checkoutId": self.checkout_id, "shippingAddress": PLACE}
        assert self.post("/checkout/calculate-shipping", body).status_code == 200
        for path in (f"/orders/{self.placed.pk}", "/orders", f"/checkout/{self.checkout_id}"):
            assert self.get(path).status_code == 200

    def things(self) -> Things:
        """What others may try to get at. Ids that others show themselves are no marks."""
        visit = self.visit()
        values = {
            "order_id": str(self.placed.pk),
            "checkout_id": self.checkout_id,
            "slug_or_id": self.world.mug.slug,
            "token": f"{self.placed.pk.hex}:forged",
            "provider": "stripe",
            "slug": self.world.mug.slug,
            "method_id": str(self.world.method.pk),
            "product_id": str(self.world.mug.pk),
        }
        secrets = {self.token, visit["token"], self.placed.number}
        return Things(values, frozenset(MARKS | secrets))
