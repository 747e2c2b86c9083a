"""A shop without a back-end: answers in the shapes of the public API. stub_server.py serves them, and notes where
one is not as the schema says.

It keeps one cart's worth of state in memory, so that a test can look at what the browser asked, refuse the next call
of a kind, and pay or expire the order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from re import fullmatch
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from tests.contract import good_status
from tests.storefront.stub_account import ACCOUNT_ROUTES, Json, Refused, StubAccount

CHECKOUT_ID = str(UUID(int=1000))
ORDER_ID = str(UUID(int=2000))
ORDER_TOKEN = "stub-order-token"
KINDS = [
    *("mug", "teapot", "lamp", "notebook", "candle", "scarf"),
    *("plant-pot", "clock", "tray", "basket", "vase", "blanket"),
]
METHODS = [
    {"id": str(UUID(int=3001)), "name": "Standard", "price": "10.00", "minDays": 3, "maxDays": 5},
    {"id": str(UUID(int=3002)), "name": "Express", "price": "18.00", "minDays": 1, "maxDays": 1},
]


def product(number: int, kind: str) -> Json:
    """A product as the API shows it."""
    name = kind.replace("-", " ").capitalize()
    return {
        "id": str(UUID(int=number)),
        "slug": kind,
        "sku": f"SKU-{number:03}",
        "name": f"{name}, hand made",
        "description": f"A quiet {kind.replace('-', ' ')} for every day.\nMade in small numbers.",
        "category": "kitchen" if number % 2 else "living-room",
        "price": f"{12 + number * 7}.50",
        "currency": "GBP",
        "thumbnail": f"/static/storefront/products/{kind}.svg",
        "available": {2: 3, 5: 0}.get(number, 40),
    }


@dataclass
class StubShop(StubAccount):
    """The state, and one method for each call that the shop makes."""

    page_size: int = 8
    minimum: int = 0
    products: list[Json] = field(default_factory=lambda: [product(n, kind) for n, kind in enumerate(KINDS, 1)])
    consent: bool | None = None
    checkout: Json = field(default_factory=dict)
    order: Json = field(default_factory=dict)
    older_orders: list[Json] = field(default_factory=list)
    asked: list[tuple[str, str, Json]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    refusals: dict[str, list[Refused]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    base: str = ""

    def refuse_next(self, call: str, refusal: Refused) -> None:
        """The next call named so (its method's name here) gets this refusal."""
        self.refusals.setdefault(call, []).append(refusal)

    def bodies(self, path: str) -> list[Json]:
        """What was sent to a path, in order."""
        return [body for _method, asked, body in self.asked if asked == path]

    # Products and consent

    def list_products(self, query: dict[str, str], body: Json) -> Json:
        words, category = query.get("search", "").lower(), query.get("category", "")
        found = [p for p in self.products if words in p["name"].lower() and category in ("", p["category"])]
        start = int(query.get("cursor", 0))
        end = start + self.page_size
        return {"items": found[start:end], "next": str(end) if end < len(found) else None}

    def list_categories(self, query: dict[str, str], body: Json) -> Json:
        names = {"garden": "In the garden", "kitchen": "Kitchen", "living-room": "Living room"}
        return {"items": [{"slug": slug, "name": name} for slug, name in names.items()], "next": None}

    def get_product(self, query: dict[str, str], body: Json, key: str) -> Json:
        for candidate in self.products:
            if key in (candidate["slug"], candidate["id"]):
                return candidate
        raise Refused(404, "NOT_FOUND")

    def get_consent(self, query: dict[str, str], body: Json) -> Json:
        return {"analytics": self.consent, "policyVersion": "1"}

    def put_consent(self, query: dict[str, str], body: Json) -> Json:
        self.consent = body["analytics"]
        return self.get_consent(query, body)

    # Checkout

    def initiate(self, query: dict[str, str], body: Json) -> Json:
        self.checkout = {
            "checkoutId": CHECKOUT_ID,
            "status": "open",
            "shippingAddress": None,
            "shippingMethodId": None,
            "couponCode": None,
            "orderId": None,
            "remindMe": False,
            "expiresAt": "2099-01-01T12:30:00Z",
        }
        return self.replace_items(query, body)

    def restore(self, query: dict[str, str], body: Json) -> Json:
        """Three mugs were left, and something that is not sold any more."""
        missing = [{"productId": str(UUID(int=99)), "name": "Old vase", "asked": 1, "available": 0}]
        lines = {"cartItems": [{"productId": self.products[0]["id"], "quantity": 3}]}
        return {**self.initiate(query, lines), "missing": missing * (body["token"] == "in-part"), "couponLost": None}

    def replace_items(self, query: dict[str, str], body: Json) -> Json:
        self.checkout["items"] = [self.line(item) for item in body["cartItems"]]
        if Decimal(self.summary()["subtotal"]) < self.minimum:
            self.checkout["couponCode"] = None
        return self.show_checkout(query, body)

    def line(self, item: Json) -> Json:
        found = self.get_product({}, {}, item["productId"])
        total = Decimal(found["price"]) * item["quantity"]
        kept = {name: found[name] for name in ("sku", "name", "thumbnail")}
        return {"productId": found["id"], **kept, "unitPrice": found["price"], **item, "lineTotal": str(total)}

    def show_checkout(self, query: dict[str, str], body: Json) -> Json:
        if not self.checkout:
            raise Refused(404, "NOT_FOUND")
        return {**self.checkout, "summary": self.summary()}

    def summary(self) -> Json:
        subtotal = sum((Decimal(line["lineTotal"]) for line in self.checkout["items"]), Decimal("0.00"))
        discount = (subtotal / 10).quantize(Decimal("0.01")) if self.checkout["couponCode"] else Decimal("0.00")
        chosen = [m for m in METHODS if m["id"] == self.checkout["shippingMethodId"]]
        shipping = Decimal(str(chosen[0]["price"])) if chosen else Decimal("0.00")
        placed = self.checkout["shippingAddress"]
        tax = ((subtotal - discount + shipping) / 10).quantize(Decimal("0.01")) if placed else Decimal("0.00")
        return {
            "subtotal": str(subtotal),
            "discountAmount": str(discount),
            "shippingAmount": str(shipping),
            "taxAmount": str(tax),
            "total": str(subtotal - discount + shipping + tax),
            "currency": "GBP",
            "taxLines": [{"name": "VAT", "rate": "10", "amount": str(tax)}] if placed else [],
            "taxIncluded": False,
        }

    def calculate_shipping(self, query: dict[str, str], body: Json) -> Json:
        if body["shippingAddress"]["country"] == "GL":
            raise Refused(400, "INVALID_INPUT", {"shippingAddress.country": ["We do not ship to this country."]})
        self.checkout["shippingAddress"] = body["shippingAddress"]
        self.checkout["remindMe"] = body.get("remindMe", self.checkout["remindMe"])
        self.checkout["shippingMethodId"] = body.get("shippingMethodId", self.checkout["shippingMethodId"])
        return {"methods": METHODS, "shippingMethodId": self.checkout["shippingMethodId"], "summary": self.summary()}

    def calculate_tax(self, query: dict[str, str], body: Json) -> Json:
        return self.show_checkout(query, body)

    def apply_coupon(self, query: dict[str, str], body: Json) -> Json:
        if body["code"].upper() != "WELCOME10":
            raise Refused(409, "COUPON_INVALID")
        self.checkout["couponCode"] = "WELCOME10"
        return self.show_checkout(query, body)

    def remove_coupon(self, query: dict[str, str], body: Json) -> Json:
        self.checkout["couponCode"] = None
        return self.show_checkout(query, body)

    def confirm(self, query: dict[str, str], body: Json) -> Json:
        summary = self.summary()
        if body["expectedTotal"] != summary["total"]:
            raise Refused(409, "PRICE_CHANGED", {"summary": summary})
        self.place_order(body, summary)
        payment = {"attempt": self.order["attempts"][-1], "paymentUrl": f"{self.base}/pay"}
        return {"order": self.order, "session": self.order["session"], "payment": payment, "orderToken": ORDER_TOKEN}

    def place_order(self, body: Json, summary: Json) -> None:
        """A pending order with its window and first attempt."""
        self.checkout["orderId"] = ORDER_ID
        self.order = {
            "orderId": ORDER_ID,
            "number": "ORD-7K2M9QX4TB",
            "status": "pending",
            "paymentStatus": "unpaid",
            "fulfillmentStatus": "pending",
            "carrier": "",
            "trackingNumber": "",
            "trackingUrl": "",
            "items": self.checkout["items"],
            "summary": summary,
            "refundedAmount": "0.00",
            "history": [{"status": "pending", "reason": "placed", "at": "2026-01-01T12:00:00Z"}],
            "couponCode": self.checkout["couponCode"] or "",
            **{name: body.get(name, "") for name in ("email", "firstName", "lastName")},
            "paidAt": None,
            "addresses": {"shipping": body["shippingAddress"], "billing": body["shippingAddress"]},
            "shippingMethod": "Standard",
            "placedAt": "2026-01-01T12:00:00Z",
            "session": self.session(),
            "attempts": [],
        }
        self.open_attempt()

    def session(self) -> Json:
        return {
            "sessionId": str(UUID(int=2001)),
            "orderId": ORDER_ID,
            "status": "active",
            "durationMinutes": 15,
            "expiresAt": "2026-01-01T12:15:00Z",
            "remainingSeconds": 754,
            "remainingMinutes": 12.6,
            "paymentAttempts": 0,
            "maxPaymentAttempts": 3,
            "remainingAttempts": 3,
            "canRetry": True,
        }

    # Orders

    def open_attempt(self) -> None:
        session = self.order["session"]
        session["paymentAttempts"] += 1
        session["remainingAttempts"] -= 1
        number = session["paymentAttempts"]
        attempt = {"number": number, "status": "open", "paymentUrl": f"{self.base}/pay", "resolvedAt": None}
        asked = {"amount": self.order["summary"]["total"], "currency": self.order["summary"]["currency"]}
        self.order["attempts"].append({**attempt, **asked, "openedAt": f"2026-01-01T12:0{number}:00Z"})

    def list_orders(self, query: dict[str, str], body: Json) -> Json:
        if "cursor" in query:
            return {"items": self.older_orders, "next": None}
        return {"items": [self.order] if self.order else [], "next": "older" if self.older_orders else None}

    def pending_order(self) -> Json:
        """The order as an OUT_OF_STOCK names it."""
        window = {"expiresAt": "2099-01-01T12:15:00Z", "paymentUrl": f"{self.base}/pay"}
        return {"orderId": ORDER_ID, "number": self.order["number"], **window}

    def show_order(self, query: dict[str, str], body: Json) -> Json:
        if not self.order:
            raise Refused(404, "NOT_FOUND")
        return self.order

    def retry_payment(self, query: dict[str, str], body: Json) -> Json:
        self.open_attempt()
        window = self.order["session"]
        left = {name: window[name] for name in ("paymentAttempts", "maxPaymentAttempts", "remainingAttempts")}
        return {**left, "paymentUrl": f"{self.base}/pay"}

    def cancel(self, query: dict[str, str], body: Json) -> Json:
        self.close("cancelled", "cancelled")
        return self.order

    def decline(self) -> None:
        """Billing reports that the open attempt failed."""
        self.order["attempts"][-1] |= {"status": "failure", "resolvedAt": "2026-01-01T12:02:30Z", "paymentUrl": None}

    def close(self, status: str, session_status: str, **since: object) -> None:
        """The order reaches an end: `success`, `failed`, `expired`, `cancelled`; `since` is what has come of it then.
        A page may ask at any moment, so that all is there at once.
        """
        session = {**self.order["session"], "status": session_status, "remainingSeconds": 0, "canRetry": False}
        history = [*self.order["history"], {"status": status, "reason": "", "at": "2026-01-01T12:03:00Z"}]
        paid = {"paymentStatus": "paid", "paidAt": "2026-01-01T12:03:00Z"} if status == "success" else {}
        if paid:
            self.order["attempts"][-1] |= {"status": "success", "resolvedAt": "2026-01-01T12:03:00Z"}
        self.order = {**self.order, "status": status, "session": session, "history": history, **paid, **since}


Call = Callable[..., Json]
ROUTES: list[tuple[str, str, Call]] = [
    *ACCOUNT_ROUTES,
    ("GET", "/storefront/categories", StubShop.list_categories),
    ("GET", "/storefront/products", StubShop.list_products),
    ("GET", "/storefront/products/([^/]+)", StubShop.get_product),
    ("GET", "/storefront/session/consent", StubShop.get_consent),
    ("PUT", "/storefront/session/consent", StubShop.put_consent),
    ("POST", "/checkout/initiate", StubShop.initiate),
    ("POST", "/checkout/restore", StubShop.restore),
    ("POST", "/checkout/calculate-shipping", StubShop.calculate_shipping),
    ("POST", "/checkout/calculate-tax", StubShop.calculate_tax),
    ("POST", "/checkout/apply-coupon", StubShop.apply_coupon),
    ("POST", "/checkout/confirm-order", StubShop.confirm),
    ("GET", f"/checkout/{CHECKOUT_ID}", StubShop.show_checkout),
    ("PATCH", f"/checkout/{CHECKOUT_ID}/items", StubShop.replace_items),
    ("DELETE", f"/checkout/{CHECKOUT_ID}/coupon", StubShop.remove_coupon),
    ("GET", "/orders", StubShop.list_orders),
    ("GET", f"/orders/{ORDER_ID}", StubShop.show_order),
    ("POST", f"/orders/{ORDER_ID}/retry-payment", StubShop.retry_payment),
    ("POST", f"/orders/{ORDER_ID}/cancel", StubShop.cancel),
]


def answer(shop: StubShop, method: str, address: str, body: Json, *, csrf: str) -> tuple[int, Json, dict[str, str]]:
    """Status, envelope and headers of one call."""
    parts = urlsplit(address)
    shop.asked.append((method, parts.path, body))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    try:
        shop.check_csrf(method, parts.path, csrf)
        for wanted, pattern, call in ROUTES:
            match = fullmatch(pattern, parts.path)
            if match and wanted == method:
                if waiting := shop.refusals.get(call.__name__):
                    raise waiting.pop(0)
                envelope = {"success": True, "data": call(shop, query, body, *match.groups())}
                return good_status(method, parts.path), envelope, {}
        raise Refused(404, "NOT_FOUND")
    except Refused as refusal:
        return refusal.status, refusal.body, {"Retry-After": str(refusal.wait)} if refusal.wait else {}
