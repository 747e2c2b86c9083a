"""What checkout knows about an order, for the order's timeline."""

from collections.abc import Iterable

from checkout.models import CheckoutSession, CouponUse
from orders.models import Order
from orders.timeline import add_part, facts
from sessions_app.timeline import Moment


def checkout(order: Order) -> Iterable[Moment]:
    """The checkout that the order came of, and the coupon it took."""
    for session in CheckoutSession.objects.filter(order=order).select_related("shipping_method"):
        cart = facts(id=str(session.pk), lines=len(session.items), shipping=str(session.shipping_method or ""))
        yield Moment(session.created_at, "checkout began", "checkout", details=cart)
        yield Moment(session.updated_at, f"checkout: {session.status}", "checkout")
        if session.reminded_at:
            yield Moment(session.reminded_at, "reminded of the checkout", "checkout")
        if session.recovers_id:
            left = facts(id=str(session.recovers_id))
            yield Moment(session.created_at, "restored an abandoned checkout", "checkout", details=left)
    for use in CouponUse.objects.filter(order=order).select_related("coupon"):
        yield Moment(use.created_at, "coupon used", "checkout", details=facts(code=use.coupon.code))


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    add_part(checkout)
