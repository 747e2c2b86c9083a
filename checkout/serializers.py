"""Checkouts as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from checkout.models import CheckoutSession
from checkout.selectors import Offer
from checkout.services import Restored, Wish
from core.addresses import AddressFields
from core.serializers import CamelSerializer, EmailField, MoneyOut
from orders.serializers import AttemptOut, LineOut, OrderOut, OrderSessionOut, SummaryOut

MOST_LINES = 100
MOST_OF_ONE = 999


class WholeNumber(serializers.IntegerField):
    """An integer that was sent as one: neither "2" nor 1.5 nor true."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": ["string", "number"], "format": "decimal"})
class AmountIn(serializers.DecimalField):
    """An amount, as text or as a number: it is compared, never charged."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=3, **kwargs)


class CartItemIn(CamelSerializer):
    """Pieces of a product. A price sent along is ignored."""

    product_id = serializers.UUIDField()
    quantity = WholeNumber(min_value=1, max_value=MOST_OF_ONE)


def cart_items() -> serializers.ListField:
    """1 to 100 lines."""
    return serializers.ListField(child=CartItemIn(), min_length=1, max_length=MOST_LINES)


class CartIn(CamelSerializer):
    """What is in the cart."""

    cart_items = cart_items()


def cart_of(data: dict[str, Any]) -> list[tuple[Any, int]]:
    """Product ids and quantities of validated data."""
    return [(item["product_id"], item["quantity"]) for item in data["cart_items"]]


class ShippingIn(CamelSerializer):
    """Where to ship, and how."""

    checkout_id = serializers.UUIDField()
    shipping_address = AddressFields()
    shipping_method_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    remind_me = serializers.BooleanField(
        required=False, allow_null=True, default=None,
        help_text="Whether the shopper wants a mail if they leave without buying. Unchanged when it is not sent.",
    )  # fmt: skip
    email = EmailField(
        required=False, allow_blank=True, default="",
        help_text="Where the reminder goes; kept with `remindMe: true` alone. Without it: the account's address.",
    )  # fmt: skip


def wish_of(data: dict[str, Any]) -> Wish | None:
    """What the shopper says of a reminder, if anything."""
    return None if data["remind_me"] is None else Wish(wanted=data["remind_me"], email=data["email"])


class TaxIn(CamelSerializer):
    """What to tax."""

    checkout_id = serializers.UUIDField()
    shipping_address = AddressFields(required=False, allow_null=True, default=None)


class CouponIn(CamelSerializer):
    """A coupon for a checkout."""

    checkout_id = serializers.UUIDField()
    code = serializers.CharField(max_length=40)


class BuyerIn(CamelSerializer):
    """Who buys, and where to."""

    email = EmailField()
    first_name = serializers.CharField(max_length=100)
    last_name = serializers.CharField(max_length=100)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    shipping_address = AddressFields()
    billing_address = AddressFields(required=False, allow_null=True, default=None)
    shipping_method_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    expected_total = AmountIn(required=False, allow_null=True, default=None)


class ConfirmIn(BuyerIn):
    """Confirms a checkout."""

    checkout_id = serializers.UUIDField()


class CreateFromCartIn(BuyerIn):
    """Initiates and confirms in one call."""

    cart_items = cart_items()
    coupon_code = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")


class RestoreIn(CamelSerializer):
    """What stands behind `#restore=` in the link."""

    token = serializers.CharField(max_length=200)


class CheckoutOut(CamelSerializer):
    """A checkout."""

    checkout_id = serializers.UUIDField()
    status = serializers.ChoiceField(CheckoutSession.Status.choices)
    items = LineOut(many=True)
    summary = SummaryOut()
    shipping_address = AddressFields(allow_null=True)
    shipping_method_id = serializers.UUIDField(allow_null=True)
    coupon_code = serializers.CharField(allow_null=True)
    order_id = serializers.UUIDField(allow_null=True)
    expires_at = serializers.DateTimeField()
    remind_me = serializers.BooleanField()


class MissingOut(CamelSerializer):
    """A line that is not as it was: `available` pieces of those asked for are in the checkout, or none."""

    product_id = serializers.UUIDField()
    name = serializers.CharField()
    asked = serializers.IntegerField()
    available = serializers.IntegerField()


class RestoreOut(CheckoutOut):
    """The new checkout, and what of the old one did not come with it."""

    missing = MissingOut(many=True)
    coupon_lost = serializers.CharField(allow_null=True)


class ShippingMethodOut(CamelSerializer):
    """One way to ship; the price is what this cart would pay, days are from placing the order to the door."""

    id = serializers.UUIDField(source="method.id")
    name = serializers.CharField(source="method.name")
    price = MoneyOut()
    min_days = serializers.IntegerField(source="method.min_days")
    max_days = serializers.IntegerField(source="method.max_days")


class ShippingOut(CamelSerializer):
    """The methods that serve the address, the chosen one, the sums."""

    methods = ShippingMethodOut(many=True)
    shipping_method_id = serializers.UUIDField(allow_null=True)
    summary = SummaryOut()


class PaymentOut(CamelSerializer):
    """The attempt to pay at; both null when nothing is to pay or billing is away."""

    attempt = AttemptOut(allow_null=True)
    payment_url = serializers.CharField(allow_null=True)


class ConfirmOut(CamelSerializer):
    """The order, its payment window, where to pay, and the order's token (given this once)."""

    order = OrderOut()
    session = OrderSessionOut()
    payment = PaymentOut()
    order_token = serializers.CharField()


def checkout_body(checkout: CheckoutSession) -> dict[str, Any]:
    """The checkout as the API shows it. Lines, summary and address are kept the way they are shown."""
    return {
        "checkoutId": str(checkout.id),
        "status": checkout.status,
        "items": checkout.items,
        "summary": checkout.summary,
        "shippingAddress": checkout.shipping_address,
        "shippingMethodId": str(checkout.shipping_method_id) if checkout.shipping_method_id else None,
        "couponCode": checkout.coupon.code if checkout.coupon else None,
        "orderId": str(checkout.order_id) if checkout.order_id else None,
        "expiresAt": checkout.expires_at,
        "remindMe": checkout.reminder == CheckoutSession.Reminder.ASKED,
    }


def restored_body(restored: Restored) -> dict[str, Any]:
    """`restore`'s answer."""
    missing = MissingOut(restored.missing, many=True).data
    return checkout_body(restored.checkout) | {"missing": missing, "couponLost": restored.coupon_lost or None}


def shipping_body(checkout: CheckoutSession, offers: list[Offer]) -> dict[str, Any]:
    """`calculate-shipping`'s answer."""
    return {
        "methods": ShippingMethodOut(offers, many=True).data,
        "shippingMethodId": str(checkout.shipping_method_id),
        "summary": checkout.summary,
    }
