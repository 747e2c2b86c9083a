"""The server sets the price: whatever a client says of money, the total is what the rules of the shop make it."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Product
from checkout import pricing
from orders.models import Order
from tests.billing_server import BillingService
from tests.factories import CouponFactory, ProductFactory, ShippingMethodFactory, ShippingZoneFactory, TaxRateFactory
from tests.security.carts import COUNTRY, REGION, Cart, Cost, Coupon, Tax, carts, cost
from tests.security.fuzzing import undone
from tests.world import Shopper

pytestmark = pytest.mark.django_db

CARTS = int(os.environ.get("PRICE_CARTS", "60"))
USUAL = "PRICE_CARTS" not in os.environ
"""The same carts each time; `make promises` looks at others, and says which one is wrong."""
MONEY = [
    "price", "unitPrice", "unit_price", "lineTotal", "total", "subtotal", "discount", "discountAmount", "tax",
    "taxAmount", "taxLines", "shippingAmount", "shipping_amount", "currency", "summary", "amount", "status",
    "paymentStatus", "couponId", "customerId", "customer", "orderId", "isStaff", "free_over", "pricesIncludeTax",
    "refundedAmount",
]  # fmt: skip
LIES = [-1, 0, 0.01, "0", "-5.00", "0.00", 1e300, 10**30, "1e-9", True, None, [], {"total": "0"}, "VND", "success", "x"]
ADDRESS = {"line1": "1 High Street", "city": "Dover", "region": REGION, "postalCode": "CT16", "country": COUNTRY}
BUYER = {"email": "ada@example.com", "firstName": "Ada", "lastName": "Byron", "shippingAddress": ADDRESS}


def lies() -> st.SearchStrategy[dict[str, Any]]:
    """What a client may say of money and more, all of it not its to say."""
    return st.dictionaries(st.sampled_from(MONEY), st.sampled_from(LIES), max_size=6)


class Shop:
    """A shop set as a cart needs it, and somebody who buys there."""

    def __init__(self, cart: Cart, lie: dict[str, Any]) -> None:
        self.cart, self.lie, self.shopper = cart, lie, Shopper()
        self.products: list[Product] = [ProductFactory(price=price, track_stock=False) for price, _n in cart.lines]
        method = ShippingMethodFactory(
            zone=ShippingZoneFactory(countries=[COUNTRY]), price=cart.carriage, free_over=cart.free_over
        )
        self.method = str(method.pk)
        for number, tax in enumerate(cart.taxes):
            country, region = tax.place
            TaxRateFactory(
                country=country, region=region, name=f"Tax {number}", rate=tax.rate, applies_to_shipping=tax.on_shipping
            )
        if cart.coupon:
            self.code = CouponFactory(
                kind=cart.coupon.kind, value=cart.coupon.value, minimum_subtotal=cart.coupon.minimum
            ).code

    def lines(self) -> list[dict[str, Any]]:
        """The cart as a client sends it that would rather pay less."""
        bought = zip(self.products, self.cart.lines, strict=True)
        return [self.lie | {"productId": str(product.pk), "quantity": number} for product, (_price, number) in bought]

    def post(self, path: str, **body: Any) -> Any:
        return self.shopper.post(path, self.lie | body)

    def checkout(self) -> Any:
        """The answer that shows the sums: the last of the calls on the way to an order."""
        opened = self.post("/checkout/initiate", cartItems=self.lines())
        assert opened.status_code == 201, opened.json()
        self.id = opened.json()["data"]["checkoutId"]
        answer = self.post("/checkout/calculate-shipping", checkoutId=self.id, shippingAddress=self.lie | ADDRESS)
        if self.cart.coupon and answer.status_code == 200:
            applied = self.post("/checkout/apply-coupon", checkoutId=self.id, code=self.code)
            answer = applied if applied.status_code == 200 else self.shopper.get(f"/checkout/{self.id}")
            self.refused = applied.status_code == 409
        return answer

    def order(self) -> Any:
        return self.post("/checkout/confirm-order", **BUYER, checkoutId=self.id, shippingMethodId=self.method)


def assert_costs(summary: dict[str, Any], expected: Cost, currency: str) -> None:
    """The summary says what the cart costs."""
    names = ("subtotal", "discountAmount", "shippingAmount", "taxAmount", "total")
    shown = [Decimal(summary[name]) for name in names]
    assert shown == [expected.subtotal, expected.discount, expected.shipping, expected.tax, expected.total]
    assert summary["currency"] == currency


def look(cart: Cart, lie: dict[str, Any], billing: BillingService) -> None:
    """Buys a cart, and compares what is asked for it with what it costs."""
    expected = cost(cart)
    with override_settings(SHOP_CURRENCY=cart.currency, PRICES_INCLUDE_TAX=cart.gross), undone():
        shop = Shop(cart, lie)
        answer = shop.checkout()
        assert answer.status_code == (200 if expected.sold else 400), answer.json()
        if not expected.sold:
            return
        assert getattr(shop, "refused", False) == expected.coupon_refused
        assert_costs(answer.json()["data"]["summary"], expected, cart.currency)
        placed = shop.order()
        assert placed.status_code == 201, placed.json()
        assert_costs(placed.json()["data"]["order"]["summary"], expected, cart.currency)
        assert Order.objects.get().total == expected.total
        told = list(billing.sessions.values())
        assert [Decimal(session.amount) for session in told] == ([expected.total] if expected.total else [])
        billing.sessions.clear()


@settings(
    max_examples=CARTS,
    derandomize=USUAL,
    print_blob=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(carts(), lies())
def test_a_cart_costs_what_the_rules_make_it_whatever_the_client_says(
    billing: BillingService, cart: Cart, lie: dict[str, Any]
) -> None:
    look(cart, lie, billing)


HALF = Cart(
    "GBP", False, ((Decimal("0.335"), 3),), Decimal("2.005"), None,
    Coupon("percent", Decimal("12.5"), Decimal(0)), (Tax(("*", ""), Decimal("7.25"), True),),
)  # fmt: skip
"""A cart with a half in each of its sums."""


def test_the_recomputation_is_right_by_hand() -> None:
    # 0.335 is shown as 0.34 (half to even), three of it are 1.02; 12.5 % of that is 0.1275, so 0.13; 2.005 is 2.00;
    # 7.25 % of 2.89 is 0.209525, so 0.21.
    found = cost(HALF)
    figures = (found.subtotal, found.discount, found.shipping, found.tax, found.total)
    assert [str(figure) for figure in figures] == ["1.020", "0.130", "2.000", "0.210", "3.100"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("discount_on", lambda *args: Decimal(0)),
        ("carriage_of", lambda *args: Decimal(0)),
        ("part", lambda amount, rate, included: amount * rate / 200),
        ("round_money", lambda amount, currency: amount.quantize(Decimal("0.01"), rounding="ROUND_UP")),
    ],
)
def test_control_a_shop_that_reckons_otherwise_is_noticed(
    name: str, wrong: Any, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(HALF, {}, billing)
    monkeypatch.setattr(pricing, name, wrong)
    with pytest.raises(AssertionError):
        look(HALF, {}, billing)
