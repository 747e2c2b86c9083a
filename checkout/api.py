"""Checkout over HTTP."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from checkout import services
from checkout.models import CheckoutSession
from checkout.serializers import (
    CartIn,
    CheckoutOut,
    ConfirmIn,
    ConfirmOut,
    CouponIn,
    CreateFromCartIn,
    RestoreIn,
    RestoreOut,
    ShippingIn,
    ShippingOut,
    TaxIn,
    cart_of,
    checkout_body,
    restored_body,
    shipping_body,
    wish_of,
)
from checkout.services import Confirmation, ConfirmRequest, Key, Owner
from core.api import failure, success
from core.clock import now
from core.errors import InvalidInputError
from core.personal import PersonalView
from core.schema import enveloped
from core.serializers import valid
from customers.selectors import customer_of
from orders.providers.contract import BillingUnavailableError
from orders.serializers import AttemptOut, OrderOut, attempt_body, order_body
from orders.tokens import token_of
from sessions_app.api import visit_of
from sessions_app.state import SessionState

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key makes the same order once.",
)


def owner_of(request: Request) -> Owner:
    """Who asks."""
    session = session_of(request)
    return Owner(session_id=session.session_id, visitor_id=session.visitor_id, customer_id=session.customer_id)


def session_of(request: Request) -> SessionState:
    """The visit, of the customer who is logged in now. The visit itself is no login: it outlives one that was ended
    elsewhere, by a new password or by the shop.
    """
    customer = customer_of(request.user)
    return replace(visit_of(request).session, customer_id=customer.pk if customer else None)


class InitiateView(PersonalView):
    """Opens a checkout."""

    limit = "initiate"
    refuses = (409,)

    @extend_schema(request=CartIn, responses={201: enveloped(CheckoutOut, "InitiateCheckout")})
    def post(self, request: Request) -> Response:
        data = valid(CartIn(data=request.data))
        checkout = services.initiate(session=session_of(request), cart=cart_of(data), now=now())
        return success(checkout_body(checkout), status=201)


class RestoreView(PersonalView):
    """Opens a checkout with the cart of an abandoned one."""

    limit = "initiate"
    refuses = (409,)

    @extend_schema(request=RestoreIn, responses={201: enveloped(RestoreOut, "RestoreCheckout")})
    def post(self, request: Request) -> Response:
        data = valid(RestoreIn(data=request.data))
        restored = services.restore(session=session_of(request), token=data["token"], now=now())
        return success(restored_body(restored), status=201)


class CheckoutView(PersonalView):
    """One checkout."""

    @extend_schema(responses=enveloped(CheckoutOut, "Checkout"))
    def get(self, request: Request, checkout_id: UUID) -> Response:
        return success(checkout_body(services.read_checkout(checkout_id=checkout_id, owner=owner_of(request))))


class ItemsView(PersonalView):
    """Other lines for a checkout."""

    refuses = (409,)

    @extend_schema(request=CartIn, responses=enveloped(CheckoutOut, "CheckoutItems"))
    def patch(self, request: Request, checkout_id: UUID) -> Response:
        cart = cart_of(valid(CartIn(data=request.data)))
        checkout, refusal = services.replace_items(
            checkout_id=checkout_id, owner=owner_of(request), cart=cart, now=now()
        )
        return success(checkout_body(checkout), message=refusal.text if refusal else "")


class CalculateShippingView(PersonalView):
    """Address and shipping method."""

    limit = "shipping"
    refuses = (404, 409)

    @extend_schema(request=ShippingIn, responses=enveloped(ShippingOut, "CalculateShipping"))
    def post(self, request: Request) -> Response:
        data = valid(ShippingIn(data=request.data))
        checkout, offers = services.choose_shipping(
            checkout_id=data["checkout_id"],
            owner=owner_of(request),
            address=data["shipping_address"],
            method_id=data["shipping_method_id"],
            now=now(),
            wish=wish_of(data),
        )
        return success(shipping_body(checkout, offers))


class CalculateTaxView(PersonalView):
    """Tax by rate."""

    limit = "tax"
    refuses = (404, 409)

    @extend_schema(request=TaxIn, responses=enveloped(CheckoutOut, "CalculateTax"))
    def post(self, request: Request) -> Response:
        data = valid(TaxIn(data=request.data))
        checkout = services.calculate_tax(
            checkout_id=data["checkout_id"],
            owner=owner_of(request),
            address=data["shipping_address"],
            now=now(),
        )
        return success(checkout_body(checkout))


class ApplyCouponView(PersonalView):
    """A coupon on the checkout."""

    limit = "coupon"
    refuses = (404, 409)

    @extend_schema(request=CouponIn, responses=enveloped(CheckoutOut, "ApplyCoupon"))
    def post(self, request: Request) -> Response:
        data = valid(CouponIn(data=request.data))
        checkout = services.apply_coupon(
            checkout_id=data["checkout_id"], owner=owner_of(request), code=data["code"], now=now()
        )
        return success(checkout_body(checkout))


class CouponView(PersonalView):
    """The coupon of a checkout."""

    limit = "coupon"
    refuses = (409,)

    @extend_schema(request=None, responses=enveloped(CheckoutOut, "RemoveCoupon"))
    def delete(self, request: Request, checkout_id: UUID) -> Response:
        checkout = services.remove_coupon(checkout_id=checkout_id, owner=owner_of(request), now=now())
        return success(checkout_body(checkout))


class ConfirmOrderView(PersonalView):
    """Places the order and opens its payment."""

    limit = "confirm"
    refuses = (404, 409, 422, 502)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=ConfirmIn,
        responses={201: enveloped(ConfirmOut, "ConfirmOrder")},
    )
    def post(self, request: Request) -> Response:
        data = valid(ConfirmIn(data=request.data))
        confirmation = services.confirm_order(
            find_checkout=lambda: data["checkout_id"],
            owner=owner_of(request),
            request=confirm_request(data),
            key=key_of(request, data),
            now=now(),
        )
        return confirmation_answer(confirmation)


class CreateFromCartView(PersonalView):
    """Initiates and confirms in one call, for shops with a cart of their own."""

    limit = "confirm"
    refuses = (409, 422, 502)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request=CreateFromCartIn,
        responses={201: enveloped(ConfirmOut, "CreateFromCart")},
    )
    def post(self, request: Request) -> Response:
        data = valid(CreateFromCartIn(data=request.data))
        owner = owner_of(request)
        services.store_visit(session_of(request))
        confirmation = services.confirm_order(
            find_checkout=lambda: self.make_checkout(request, owner, data).id,
            owner=owner,
            request=confirm_request(data),
            key=key_of(request, data),
            now=now(),
        )
        return confirmation_answer(confirmation)

    def make_checkout(self, request: Request, owner: Owner, data: dict[str, Any]) -> CheckoutSession:
        """The checkout that a cart becomes on its way to an order."""
        checkout = services.initiate(session=session_of(request), cart=cart_of(data), now=now())
        if data["coupon_code"]:
            services.apply_coupon(checkout_id=checkout.id, owner=owner, code=data["coupon_code"], now=now())
        return checkout


def confirm_request(data: dict[str, Any]) -> ConfirmRequest:
    """What the shopper says when confirming."""
    names = (
        "email",
        "first_name",
        "last_name",
        "phone",
        "shipping_address",
        "billing_address",
        "shipping_method_id",
        "expected_total",
    )
    return ConfirmRequest(**{name: data[name] for name in names}, language=(get_language() or "en").split("-")[0])


def key_of(request: Request, data: dict[str, Any]) -> Key | None:
    """The idempotency key of a request.

    Raises:
        InvalidInputError: it is longer than 255 characters or not printable ASCII.
    """
    value = request.headers.get("Idempotency-Key", "")
    if not value:
        return None
    if len(value) > 255 or not (value.isascii() and value.isprintable()):
        message = _("Idempotency-Key: 255 printable ASCII characters at most.")
        raise InvalidInputError(message, details={"Idempotency-Key": [str(message)]})
    owner = services.owner_name(owner_of(request))
    return Key(path=request.path, value=value, fingerprint=services.fingerprint(data), owner=owner)


def confirmation_answer(confirmation: Confirmation) -> Response:
    """The answer to a confirm; the first one is kept with its key and given again to whoever repeats it."""
    body = confirmation.answer
    if body is None:
        body = confirmation_body(confirmation)
        services.keep_answer(confirmation, body)
    body = body | {"orderToken": token_of(confirmation.order)}
    headers = {"Idempotent-Replayed": "true"} if confirmation.replayed else {}
    if confirmation.billing_away:
        away = BillingUnavailableError()
        answer = failure(away.code, away.status, away.text, body)
        for name, value in headers.items():
            answer[name] = value
        return answer
    return success(body, status=201, headers=headers)


def confirmation_body(confirmation: Confirmation) -> dict[str, Any]:
    """Order, session and payment as `ConfirmOut` shows them, ready for JSON."""
    order: Any = OrderOut(order_body(confirmation.order, now=now())).data
    attempt = confirmation.attempt
    return {
        "order": order,
        "session": order["session"],
        "payment": {
            "attempt": AttemptOut(attempt_body(attempt)).data if attempt else None,
            "paymentUrl": attempt.payment_url if attempt else None,
        },
    }
