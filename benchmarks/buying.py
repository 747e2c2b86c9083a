"""One purchase over the services, from a full cart to an order whose payment is open."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from benchmarks.measurement import require
from benchmarks.shop import COUPON, price_tables, products
from checkout import services
from checkout.models import CheckoutSession
from checkout.services import Confirmation, ConfirmRequest, Key, Owner
from core.clock import now
from core.ids import new_id
from orders.models import Order, PaymentAttempt
from sessions_app.state import SessionState

ADDRESS = {
    "line1": "1 High Street",
    "line2": "",
    "city": "London",
    "region": "",
    "postalCode": "N1 1AA",
    "country": "GB",
}
LINES = 3


def owner_of(session: SessionState) -> Owner:
    """The visitor as the checkout's owner."""
    return Owner(session_id=session.session_id, visitor_id=session.visitor_id, customer_id=session.customer_id)


def fill_checkout(session: SessionState) -> CheckoutSession:
    """Initiate, shipping, tax, coupon: three lines, two pieces each."""
    price_tables()
    owner, cart = owner_of(session), [(product.id, 2) for product in products()]
    checkout = services.initiate(session=session, cart=cart, now=now())
    services.choose_shipping(checkout_id=checkout.id, owner=owner, address=ADDRESS, method_id=None, now=now())
    services.calculate_tax(checkout_id=checkout.id, owner=owner, address=None, now=now())
    return services.apply_coupon(checkout_id=checkout.id, owner=owner, code=COUPON, now=now())


def confirm(session: SessionState, find_checkout: Callable[[], UUID], *, method_id: UUID | None = None) -> Confirmation:
    """Confirms by a customer who is new, with an idempotency key, and keeps the answer as the API does.

    Raises:
        NotDoneError: there is nothing to pay at.
    """
    email = f"{new_id().hex}@example.com"
    request = ConfirmRequest(
        email=email,
        first_name="Ada",
        last_name="Byron",
        phone="",
        shipping_address=ADDRESS,
        billing_address=None,
        shipping_method_id=method_id,
    )
    confirmation = services.confirm_order(
        find_checkout=find_checkout,
        owner=owner_of(session),
        request=request,
        key=Key("", new_id().hex, services.fingerprint(email), services.owner_name(owner_of(session))),
        now=now(),
    )
    services.keep_answer(confirmation, {"orderId": str(confirmation.order.id)})
    require(confirmation.attempt is not None, "no payment attempt was opened")
    return confirmation


def buy(session: SessionState) -> Order:
    """The whole of it. The order is pending, and an attempt to pay it is open.

    Raises:
        NotDoneError: it is not.
    """
    checkout_id = fill_checkout(session).id
    confirmation = confirm(session, lambda: checkout_id)
    require(confirmation.order.discount_amount > 0, "the coupon took nothing off")
    return confirmation.order


def payable_orders() -> int:
    """How many orders have an open attempt to pay."""
    opened = PaymentAttempt.objects.filter(status=PaymentAttempt.Status.OPEN)
    return opened.values("order_session").distinct().count()
