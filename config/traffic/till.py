"""From a full cart to a paid order, or to the point where somebody leaves."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from config.traffic import tables
from config.traffic.browser import Browser, RefusedError
from config.traffic.population import Checkout, Visitor

ASKS_EVERY_SECONDS = 2.0
"""The order's page asks how it stands; quicker at a quicker pace, but not without end."""
QUICKEST_SECONDS = 0.25
SETTLES_WITHIN_SECONDS = 30.0
"""Real ones. Billing tells at once, and is asked every 5 seconds."""
SANDBOX = "/billing/pay/"
"""At the shop's own address. Whatever else an order says, nobody goes to pay at another host."""


class Till:
    """Somebody who buys."""

    def __init__(self, browser: Browser, visitor: Visitor, plan: Checkout) -> None:
        self.browser, self.visitor, self.plan = browser, visitor, plan
        self.total = ""

    async def buy(self, cart: dict[str, int]) -> None:
        """The whole way, as far as it is planned.

        Raises:
            RefusedError, NoAnswerError: the shop does not let them.
        """
        self.browser.go("/shop/checkout")
        checkout_id = await self.initiate(cart)
        if checkout_id is None:
            return
        await self.browser.view("Checkout")
        await self.browser.read(tables.TYPES_SECONDS)
        method_id = await self.choose_shipping(checkout_id)
        if method_id is None or self.plan.leaves_at_address:
            return
        if self.plan.coupon:
            await self.try_coupon(checkout_id)
        if self.plan.orders:
            await self.order(checkout_id, method_id)

    async def initiate(self, cart: dict[str, int]) -> str | None:
        """Opens the checkout. Who was too slow for some of it takes what is left; None if that is nothing."""
        try:
            return await self.open_checkout(cart)
        except RefusedError as refusal:
            if refusal.code != "OUT_OF_STOCK":
                raise
            left = cart | {short["productId"]: short["available"] for short in refusal.details.get("items", [])}
        still = {product_id: quantity for product_id, quantity in left.items() if quantity}
        return await self.open_checkout(still) if still else None

    async def open_checkout(self, cart: dict[str, int]) -> str:
        lines = [{"productId": product_id, "quantity": quantity} for product_id, quantity in cart.items()]
        opened = await self.browser.call("POST", "/checkout/initiate", {"cartItems": lines})
        self.browser.tally.checkouts += 1
        return str(opened["checkoutId"])

    async def choose_shipping(self, checkout_id: str) -> str | None:
        """Address and method, then the total with tax; None where the shop does not deliver."""
        asked = {"checkoutId": checkout_id, "shippingAddress": self.visitor.person.address}
        answer = await self.browser.call("POST", "/checkout/calculate-shipping", asked)
        others = [method["id"] for method in answer["methods"] if method["id"] != answer["shippingMethodId"]]
        if self.plan.other_method and others:
            other = asked | {"shippingMethodId": others[0]}
            answer = await self.browser.call("POST", "/checkout/calculate-shipping", other)
        if not answer["methods"]:
            return None
        taxed = await self.browser.call("POST", "/checkout/calculate-tax", {"checkoutId": checkout_id})
        self.total = taxed["summary"]["total"]
        return str(answer["shippingMethodId"])

    async def try_coupon(self, checkout_id: str) -> None:
        """A code from a letter or from hearsay; one that is refused stops nobody."""
        try:
            code = {"checkoutId": checkout_id, "code": self.plan.coupon}
            answer = await self.browser.call("POST", "/checkout/apply-coupon", code)
        except RefusedError as refusal:
            if not refusal.code.startswith("COUPON_"):
                raise
            return
        self.total = answer["summary"]["total"]

    async def order(self, checkout_id: str, method_id: str) -> None:
        """Places the order and pays it, or not."""
        person = self.visitor.person
        body = {
            "checkoutId": checkout_id,
            "email": person.email,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "shippingAddress": person.address,
            "shippingMethodId": method_id,
            "expectedTotal": self.total,
        }
        placed = await self.confirm(body)
        self.browser.tally.orders += 1
        order = placed["order"]
        if order["status"] == "success":  # there was nothing to pay
            self.browser.tally.paid += 1
        else:
            await self.pay(str(order["orderId"]), (placed.get("payment") or {}).get("paymentUrl"))

    async def confirm(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of confirm-order. When billing is away the order stands all the same."""
        try:
            placed = await self.browser.call(
                "POST", "/checkout/confirm-order", body, **{"Idempotency-Key": str(uuid4())}
            )
        except RefusedError as refusal:
            if refusal.code != "BILLING_UNAVAILABLE" or "order" not in refusal.details:
                raise
            placed = refusal.details
        answer: dict[str, Any] = placed
        return answer

    # Paying ----------------------------------------------------------------------------------------------------------

    async def pay(self, order_id: str, url: str | None) -> None:
        """What the plan says, one after the other. After a declined payment the shop opens another."""
        for action in self.plan.payments:
            if action == "cancel":
                await self.browser.call("POST", f"/orders/{order_id}/cancel")
                return
            url = url or await self.retry(order_id)
            page = urlsplit(url).path
            if not page.startswith(SANDBOX):
                self.browser.tally.problem("pay page is not the sandbox's", f"{url}: nobody pays there")
                return
            await asyncio.sleep(tables.READS_SECONDS * self.browser.shop.pace)
            await self.browser.press(page, action)
            await self.come_back(order_id, action)
            if action == "decline":
                self.browser.tally.declined += 1
                url = None

    async def retry(self, order_id: str) -> str:
        answer = await self.browser.call("POST", f"/orders/{order_id}/retry-payment")
        return str(answer["paymentUrl"])

    async def come_back(self, order_id: str, action: str) -> None:
        """The order's page, which asks until it knows what became of the payment."""
        self.browser.go(f"/shop/orders/{order_id}")
        await self.browser.view("Your order")
        gives_up = monotonic() + SETTLES_WITHIN_SECONDS
        order = await self.browser.call("GET", f"/orders/{order_id}")
        while action != "leave" and awaits(order):
            if monotonic() > gives_up:
                self.browser.tally.problem("not settled", f"{order_id}: {action} is not known to the shop yet")
                return
            await asyncio.sleep(max(QUICKEST_SECONDS, ASKS_EVERY_SECONDS * self.browser.shop.pace))
            order = await self.browser.call("GET", f"/orders/{order_id}")
        self.browser.tally.paid += order["status"] == "success"


def awaits(order: dict[str, Any]) -> bool:
    """Whether a payment of the order is still to be settled. Order and attempts may be read before and after that."""
    return order["status"] == "pending" and any(
        attempt["status"] in ("open", "success") for attempt in order["attempts"]
    )
