"""What became of the visits that wanted to order: orders of every outcome, with the rows that they leave."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from analytics.demo import tables
from analytics.demo.clerk import Clerk, address_of, customer_of
from analytics.demo.dice import Dice
from analytics.demo.visits import Visit, note, view_page
from catalog.models import Product, StockMovement
from checkout.models import CheckoutSession, CouponUse
from checkout.pricing import Summary
from checkout.services.opening import LIFE, line_body, total_up
from core.money import money_string, round_money
from customers.models import Customer
from orders.models import Order, OrderItem, OrderSession, PaymentAttempt, Refund
from orders.tokens import access_token, token_hash
from sessions_app.models import Channel, SessionEvent

CUSTOMER, BILLING, EXPIRY = "customer", "poll_billing", "expire_orders"
Status, Fulfillment = Order.Status, Order.Fulfillment


def check_out(clerk: Clerk, visit: Visit) -> None:
    """The checkout of a visit that began one, and its order if it wants one."""
    if visit.checkout_at is None:
        return
    checkout = begin_checkout(clerk, visit, visit.checkout_at)
    clerk.ledger.checkouts.append(checkout)
    if not visit.wants_order:
        give_up(clerk, visit, checkout)
        return
    order = place(clerk, visit, checkout)
    checkout.order = order
    resolve(clerk, visit, order, checkout)
    if checkout.coupon is not None and order.status in (Status.SUCCESS, Status.PENDING):
        use = CouponUse(coupon=checkout.coupon, order=order, customer=order.customer, created_at=order.placed_at)
        clerk.ledger.coupon_uses.append(use)


def begin_checkout(clerk: Clerk, visit: Visit, began: datetime) -> CheckoutSession:
    """The checkout session: given up unless an order says otherwise."""
    return CheckoutSession(
        id=clerk.dice.id_at(began),
        visitor_session=visit.session,
        status=CheckoutSession.Status.TIMEOUT if began + LIFE <= clerk.now else CheckoutSession.Status.OPEN,
        items=[line_body(product, pieces) for product, pieces in visit.cart.values()],
        coupon=clerk.shop.coupons.get(clerk.dice.weighted(tables.COUPON_WEIGHTS)),
        expires_at=began + LIFE,
        created_at=began,
        updated_at=began,
    )


def give_up(clerk: Clerk, visit: Visit, checkout: CheckoutSession) -> None:
    """Left behind with the cart, or after looking what shipping costs."""
    if checkout.status == CheckoutSession.Status.TIMEOUT:
        checkout.lapsed_at = checkout.expires_at
    if clerk.dice.happens(tables.LOOKS_AT_SHIPPING):
        checkout.shipping_address = address_of(clerk.dice, visit.person)
        checkout.shipping_method = clerk.shop.standard
    total_up(checkout, taxes=clerk.shop.taxes if checkout.shipping_address else [])


def fill_in(clerk: Clerk, checkout: CheckoutSession, customer: Customer, address: dict[str, str]) -> Summary:
    """Who orders, where it goes and how; the sums follow."""
    checkout.customer, checkout.email = customer, customer.email
    checkout.shipping_address = checkout.billing_address = address
    checkout.shipping_method = clerk.dice.weighted(((clerk.shop.standard, 70), (clerk.shop.slow, 30)))
    return total_up(checkout, taxes=clerk.shop.taxes)


def place(clerk: Clerk, visit: Visit, checkout: CheckoutSession) -> Order:
    """The pending order, its lines and its payment window; the stock is taken."""
    dice, ledger = clerk.dice, clerk.ledger
    visit.at = dice.after(visit.at, 40, 200)
    order = order_of(clerk, visit, checkout)
    checkout.updated_at, checkout.expires_at = visit.at, visit.at + LIFE
    ledger.orders.append(order)
    ledger.items += [item_of(order, product, pieces) for product, pieces in visit.cart.values()]
    ledger.windows.append(window_of(dice, order))
    clerk.move_stock(order, visit, -1, StockMovement.Reason.RESERVED, visit.at)
    clerk.change(order, "", Status.PENDING, CUSTOMER, "placed", visit.at)
    note(dice, visit, "order_placed", source=SessionEvent.Source.SERVER)
    visit.session.order_id = order.pk
    return order


def order_of(clerk: Clerk, visit: Visit, checkout: CheckoutSession) -> Order:
    """The order's row at the moment of placing."""
    customer, address = customer_of(clerk, visit), address_of(clerk.dice, visit.person)
    summary = fill_in(clerk, checkout, customer, address)
    order_id = clerk.dice.id_at(visit.at)
    return Order(
        id=order_id,
        number=clerk.dice.number(),
        customer=customer,
        visitor_session=visit.session,
        checkout_id=checkout.pk,
        first_touch=visit.person.touches[0],
        last_touch=last_named(visit.person.touches),
        subtotal=summary.subtotal,
        discount_amount=summary.discount_amount,
        shipping_amount=summary.shipping_amount,
        tax_amount=summary.tax_amount,
        total=summary.total,
        currency=summary.currency,
        coupon_code=checkout.coupon.code if checkout.coupon else "",
        shipping_address=address,
        billing_address=address,
        shipping_method=str(checkout.shipping_method),
        tax_lines=checkout.summary["taxLines"],
        email=customer.email,
        first_name=customer.first_name,
        last_name=customer.last_name,
        phone=customer.phone,
        access_token_hash=token_hash(access_token(order_id)),
        placed_at=visit.at,
    )


def last_named(touches: list[dict[str, str]]) -> dict[str, str]:
    """The last touch that was not direct, as attribution has it; else the last."""
    named = [touch for touch in touches if touch["channel"] != Channel.DIRECT]
    return (named or touches)[-1]


def item_of(order: Order, product: Product, pieces: int) -> OrderItem:
    """A line of an order."""
    return OrderItem(
        order=order,
        product=product,
        name=product.name,
        sku=product.sku,
        image=product.thumbnail,
        unit_price=product.price,
        quantity=pieces,
        line_total=product.price * pieces,
    )


def window_of(dice: Dice, order: Order) -> OrderSession:
    """The payment window."""
    minutes = settings.ORDER_SESSION_DURATION_MINUTES
    return OrderSession(
        id=dice.id_at(order.placed_at),
        order=order,
        duration_minutes=minutes,
        started_at=order.placed_at,
        expires_at=order.placed_at + timedelta(minutes=minutes),
        max_payment_attempts=settings.ORDER_SESSION_MAX_ATTEMPTS,
    )


def resolve(clerk: Clerk, visit: Visit, order: Order, checkout: CheckoutSession) -> None:
    """How the order ended. One whose window is still open now stays pending."""
    window = clerk.ledger.windows[-1]
    if window.expires_at > clerk.now - timedelta(minutes=1):
        checkout.status = CheckoutSession.Status.OPEN
        return
    match clerk.dice.weighted(tables.OUTCOMES):
        case "paid":
            pay(clerk, visit, order, window, checkout)
        case "failed":
            fail(clerk, visit, order, window, checkout)
        case "cancelled":
            cancel(clerk, visit, order, window, checkout)
        case _:
            expire(clerk, visit, order, window, checkout)


def pay(clerk: Clerk, visit: Visit, order: Order, window: OrderSession, checkout: CheckoutSession) -> None:
    """Paid, at the first attempt or the second."""
    if clerk.dice.happens(tables.DECLINED_FIRST):
        decline(clerk, visit, window)
    opened, visit.at = visit.at, clerk.dice.after(visit.at, 30, 180)
    attempt(clerk, window, opened, visit.at, PaymentAttempt.Status.SUCCESS)
    order.status, order.paid_at = Status.SUCCESS, visit.at
    window.status = OrderSession.Status.COMPLETED
    checkout.status = CheckoutSession.Status.SUCCESS
    clerk.change(order, Status.PENDING, Status.SUCCESS, BILLING, "paid", visit.at)
    note(clerk.dice, visit, "order_completed", source=SessionEvent.Source.SERVER)
    visit.session.converted, visit.session.converted_at = True, visit.at
    view_page(clerk.dice, visit, f"/shop/orders/{order.pk}", None)
    fulfil(clerk, order)
    if clerk.dice.happens(tables.REFUNDED):
        refund(clerk, order)


def fail(clerk: Clerk, visit: Visit, order: Order, window: OrderSession, checkout: CheckoutSession) -> None:
    """Declined as often as the window allows."""
    for _again in range(window.max_payment_attempts):
        decline(clerk, visit, window)
    close(clerk, visit, order, Status.FAILED, BILLING, "attempt 3: failure", visit.at)
    window.status, checkout.status = OrderSession.Status.CANCELLED, CheckoutSession.Status.FAILURE
    checkout.lapsed_at = visit.at


def cancel(clerk: Clerk, visit: Visit, order: Order, window: OrderSession, checkout: CheckoutSession) -> None:
    """Cancelled by the shopper, who had looked at the pay page."""
    opened, visit.at = visit.at, clerk.dice.after(visit.at, 60, 400)
    attempt(clerk, window, opened, visit.at, PaymentAttempt.Status.TIMEOUT)
    close(clerk, visit, order, Status.CANCELLED, CUSTOMER, "cancelled", visit.at)
    window.status, checkout.status = OrderSession.Status.CANCELLED, CheckoutSession.Status.FAILURE


def expire(clerk: Clerk, visit: Visit, order: Order, window: OrderSession, checkout: CheckoutSession) -> None:
    """Left unpaid until the window had passed."""
    closed_at = clerk.dice.after(window.expires_at, 1, 59)
    attempt(clerk, window, visit.at, closed_at, PaymentAttempt.Status.TIMEOUT)
    close(clerk, visit, order, Status.EXPIRED, EXPIRY, "window passed", closed_at)
    window.status, checkout.status = OrderSession.Status.EXPIRED, CheckoutSession.Status.TIMEOUT
    checkout.lapsed_at = closed_at


def close(clerk: Clerk, visit: Visit, order: Order, new: str, actor: str, reason: str, when: datetime) -> None:
    """Unpaid and over: the stock comes back."""
    order.status, order.closed_at = new, when
    clerk.change(order, Status.PENDING, new, actor, reason, when)
    clerk.move_stock(order, visit, 1, StockMovement.Reason.RELEASED, when)


def decline(clerk: Clerk, visit: Visit, window: OrderSession) -> None:
    """An attempt that billing refused."""
    opened, visit.at = visit.at, clerk.dice.after(visit.at, 25, 90)
    attempt(clerk, window, opened, visit.at, PaymentAttempt.Status.FAILURE, clerk.dice.pick(tables.DECLINES))
    note(clerk.dice, visit, "payment_failed", source=SessionEvent.Source.SERVER)
    visit.at = clerk.dice.after(visit.at, 5, 30)


def attempt(
    clerk: Clerk, window: OrderSession, opened: datetime, resolved: datetime, status: str, error: str = ""
) -> None:
    """A pay session that is over."""
    window.payment_attempts += 1
    window.last_payment_attempt_at = opened
    at_billing = clerk.dice.id_at(opened)
    row = PaymentAttempt(
        id=clerk.dice.id_at(opened),
        order_session=window,
        number=window.payment_attempts,
        status=status,
        billing_checkout_id=f"demo_{at_billing.hex}",
        payment_url=f"{settings.BILLING_URL}/billing/pay/demo_{at_billing.hex}",
        amount=window.order.total,
        currency=window.order.currency,
        last_error=error,
        opened_at=opened,
        resolved_at=resolved,
    )
    if status == PaymentAttempt.Status.SUCCESS:
        row.paid_amount, row.paid_currency, row.counted_at = row.amount, row.currency, resolved
    clerk.ledger.attempts.append(row)


def fulfil(clerk: Clerk, order: Order) -> None:
    """Packed, sent and delivered, as far as time has gone."""
    when = order.paid_at or order.placed_at
    for state, low, high in (
        (Fulfillment.PROCESSING, 2, 30),
        (Fulfillment.SHIPPED, 8, 30),
        (Fulfillment.DELIVERED, 30, 90),
    ):
        when = clerk.dice.after(when, low * 3600, high * 3600)
        if when > clerk.now:
            return
        staff = clerk.shop.staff.email if state != Fulfillment.DELIVERED else "carrier"
        clerk.change(order, order.fulfillment_status, state, staff, "", when, "fulfillment_status")
        order.fulfillment_status = state


def refund(clerk: Clerk, order: Order) -> None:
    """All or half of the money goes back, some days later."""
    when = clerk.dice.after(order.paid_at or order.placed_at, 36 * 3600, 200 * 3600)
    if when > clerk.now:
        return
    share = clerk.dice.pick((Decimal(1), Decimal("0.5")))
    order.refunded_amount = round_money(order.total * share, order.currency)
    made = clerk.dice.after(when, 2, 20)
    row = Refund(
        id=clerk.dice.id_at(when),
        attempt=clerk.ledger.attempts[-1],
        amount=order.refunded_amount,
        reason=clerk.dice.pick(tables.REFUND_REASONS),
        status=Refund.Status.DONE,
        tries=1,
        requested_at=when,
        made_at=made,
    )
    clerk.ledger.refunds.append(row)
    amount = money_string(order.refunded_amount, order.currency)
    clerk.change(order, "0", amount, clerk.shop.staff.email, row.reason, made, "refunded_amount")
