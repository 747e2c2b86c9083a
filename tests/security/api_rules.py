"""What each address outside the admin answers to those whose things it is not about.

A new address needs a line here. Choose who may:

- `everybody(get=200)`: it tells nothing of anybody but whoever asks.
- `owner("get")`: to all others there is no such thing: 404, and nothing tells it from one that does not exist.
- `visitors(get=200)`: 400 unless a visit is shown; its own.
- `customers(get=200)`: 401 unless a customer is logged in, who sees their own.
- `holders("app.codename")`: 401 to who is not logged in, 403 to who has not the permission.

A method that a line does not name answers 405.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.security.actors import ACTORS, CUSTOMER, NOBODY, OTHER_STAFF, STAFF, TOKEN
from tests.security.things import BUYER, PLACE

API = "/api/v1"
Body = Callable[[Mapping[str, Any]], Any]
WITHOUT_VISIT = {NOBODY, STAFF, OTHER_STAFF, TOKEN}


def nothing(_values: Mapping[str, Any]) -> Any:
    """An empty object."""
    return {}


@dataclass(frozen=True)
class Rule:
    """Who is answered what. `hidden` methods name somebody's thing, in the address or in the body."""

    by_method: Mapping[str, int]
    hidden: frozenset[str] = frozenset()
    refused: Mapping[str, int] = field(default_factory=dict)
    """By who asks, whatever the method: the refusal comes before anything else."""
    otherwise: int = 405
    body: Body = nothing
    permission: str = ""
    without_visit: int = 0
    """What is answered instead to who shows no visit; 0 where that makes no difference."""

    @property
    def meant(self) -> set[str]:
        """Methods that do something, OPTIONS and HEAD aside."""
        return set(self.by_method) - {"head", "options"}

    def status(self, actor: str, method: str) -> int:
        """What is answered to such a request."""
        if self.without_visit and actor in WITHOUT_VISIT and method in self.by_method and method != "options":
            return self.without_visit
        return self.refused.get(actor, self.by_method.get(method, self.otherwise))


def methods(given: Mapping[str, int]) -> dict[str, int]:
    """With those that come along: HEAD is a GET, and OPTIONS tells what there is."""
    return {"options": 200} | ({"head": given["get"]} if "get" in given else {}) | dict(given)


def everybody(body: Body = nothing, **by_method: int) -> Rule:
    """Nothing of anybody but whoever asks."""
    return Rule(methods(by_method), body=body)


def plain(status: int = 200) -> Rule:
    """A view that does not look at the method."""
    return Rule({}, otherwise=status)


def pages(status: int = 200) -> Rule:
    """A page of the demo shop, the same for all."""
    return Rule(methods({"get": status}))


def owner(*names: str, body: Body = nothing) -> Rule:
    """There is no such thing for anybody else."""
    found = methods(dict.fromkeys(names, 404))
    return Rule(found, hidden=frozenset(found) - {"options"}, body=body)


def customers(**by_method: int) -> Rule:
    """One's own, for customers who are logged in. To the shop, staff are nobody."""
    return Rule(methods(by_method), refused={name: 401 for name in ACTORS if name != CUSTOMER})


def visitors(**by_method: int) -> Rule:
    """What is known of whoever shows a visit."""
    return Rule(methods(by_method), without_visit=400)


def holders(permission: str, *, token: int = 403) -> Rule:
    """Those who have the permission; by a token if it is for that (`token` is 401 where tokens are not looked at)."""
    forbidden = dict.fromkeys((CUSTOMER, STAFF, OTHER_STAFF), 403)
    return Rule({}, refused=dict.fromkeys(ACTORS, 401) | forbidden | {TOKEN: token}, permission=permission)


def of_checkout(**more: Any) -> Body:
    """A body that names a checkout."""
    return lambda values: {"checkoutId": values["checkout_id"], **more}


def confirmation(values: Mapping[str, Any]) -> Any:
    """All that confirming needs."""
    return {"checkoutId": values["checkout_id"], "shippingMethodId": values["method_id"]} | BUYER


def forged(values: Mapping[str, Any]) -> Any:
    """A token with somebody's id in it, signed by nobody, and what else such a call takes."""
    return {"token": values["token"], "password": "a-wrong-horse-55"}


STATS = holders("analytics.view_dailymetrics")
SIGNED = everybody(post=401)
RULES: dict[str, Rule] = {
    f"{API}/health": plain(),
    f"{API}/schema": everybody(get=200),
    f"{API}/docs": Rule({"get": 200, "head": 200}),
    f"{API}/storefront/categories": everybody(get=200),
    f"{API}/storefront/products": everybody(get=200),
    f"{API}/storefront/products/<slug_or_id>": everybody(get=200),
    f"{API}/checkout/initiate": everybody(post=400),
    f"{API}/checkout/calculate-shipping": owner("post", body=of_checkout(shippingAddress=PLACE)),
    f"{API}/checkout/calculate-tax": owner("post", body=of_checkout(shippingAddress=PLACE)),
    f"{API}/checkout/apply-coupon": owner("post", body=of_checkout(code="SPRING")),
    f"{API}/checkout/confirm-order": owner("post", body=confirmation),
    f"{API}/checkout/restore": everybody(post=400, body=forged),
    f"{API}/checkout/reminders/unsubscribe/<token>": owner("get", "post"),
    f"{API}/checkout/<checkout_id>": owner("get"),
    f"{API}/checkout/<checkout_id>/items": owner("patch", body=lambda v: {"cartItems": [line_of(v)]}),
    f"{API}/checkout/<checkout_id>/coupon": owner("delete"),
    f"{API}/orders/create-from-cart": everybody(post=400),
    f"{API}/orders": everybody(get=200),
    f"{API}/orders/<order_id>": owner("get"),
    f"{API}/orders/<order_id>/session": owner("get"),
    f"{API}/orders/<order_id>/retry-payment": owner("post"),
    f"{API}/orders/<order_id>/cancel": owner("post"),
    f"{API}/ops/checkout-sessions/check": holders("orders.check_paymentattempt", token=401),
    f"{API}/billing/webhook": SIGNED,
    f"{API}/billing/<provider>": SIGNED,
    f"{API}/storefront/session": everybody(post=201),
    f"{API}/storefront/session/current": everybody(get=200),
    f"{API}/storefront/session/track-event": everybody(post=400),
    f"{API}/storefront/session/active-users": everybody(get=200),
    f"{API}/storefront/session/clear": everybody(post=200),
    f"{API}/storefront/session/consent": everybody(get=200, put=400),
    f"{API}/storefront/visitor": everybody(delete=400),
    f"{API}/storefront/visitor/export": visitors(get=200),
    f"{API}/analytics/track": Rule({"post": 202}),
    f"{API}/storefront/auth/register": everybody(post=400),
    f"{API}/storefront/auth/verify-email": everybody(post=400, body=forged),
    f"{API}/storefront/auth/login": everybody(post=400),
    f"{API}/storefront/auth/logout": everybody(post=200),
    f"{API}/storefront/auth/password/reset": everybody(post=400),
    f"{API}/storefront/auth/password/reset/confirm": everybody(post=400, body=forged),
    f"{API}/storefront/account": customers(get=200, patch=200, delete=400),
    f"{API}/storefront/account/export": customers(get=200),
    **{
        f"{API}/analytics/{name}": STATS
        for name in ("metrics", "daily", "funnel", "breakdown", "hours", "goals", "realtime")
    },
    "/tracker.js": Rule({"get": 200, "head": 200}),
    "/livez": plain(),
    "/readyz": plain(),
    "/metrics": plain(404),
    # The sandbox and the demo shop, in development alone.
    "/billing/": Rule({"get": 200, "head": 200, "post": 200}),
    "/billing/pay/<checkout_id>": Rule({"get": 404, "head": 404, "post": 404}),
    **{f"/billing/api/v1/paysession{tail}": plain(401) for tail in ("", "/<checkout_id>", "/<checkout_id>/cancel")},
    "/billing/api/v1/paysession/<checkout_id>/refund": plain(401),
    "/": Rule({"trace": 405}, otherwise=302),
    **{
        f"/shop/{path}": pages()
        for path in (
            "", "products/<slug>", "cart", "checkout", "orders", "orders/<order_id>", "orders/<order_id>/invoice",
            "account", "account/addresses", "account/data", "account/login", "account/register", "account/forgotten",
            "account/verify", "account/reset",
        )
    },
}  # fmt: skip
ONCE = (f"{API}/schema", f"{API}/docs", "/shop/", "/billing/")
"""What begins so is asked by nobody alone: it is the same for all, whoever is logged in."""


def line_of(values: Mapping[str, Any]) -> Any:
    """A line of a cart."""
    return {"productId": values["product_id"], "quantity": 1}
