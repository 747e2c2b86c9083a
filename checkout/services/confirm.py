"""From a checkout to an order with its payment open: one order per intent.

The order, the idempotency key and the checkout's link to its order are one transaction. Billing is asked after it, and
the first answer is kept with the key. Whoever asks again gets that answer; whoever asks while the first is still being
made gets 409; and if the process died in between, the same key goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession, ShippingMethod
from checkout.pricing import Summary
from checkout.services import coupons
from checkout.services.basket import lines_of
from checkout.services.delivery import Address, chosen, serving
from checkout.services.keys import IdempotencyConflictError, Key, KeyTakenError, claim, remember_answer, taken
from checkout.services.opening import Owner, keep, open_checkout, summary_body, total_up
from checkout.services.waiting import naming_own_order
from core.errors import DomainError
from core.ids import new_id
from orders.models import Order, PaymentAttempt
from orders.providers.contract import BillingUnavailableError
from orders.selectors import window_rules
from orders.services import (
    OrderDraft,
    OrderLine,
    SessionExpiredError,
    SessionNotActiveError,
    Window,
    place_order,
    start_payment,
)

BILLING_AWAY = BillingUnavailableError.status
IN_FLIGHT = timedelta(seconds=20)
"""Longer than a confirm can take (billing's timeout is 10 s). A key without answer after that is a dead process's."""


class PriceChangedError(DomainError):
    """The total is not the one the shopper saw. `details.summary` is the new one."""

    code, status = "PRICE_CHANGED", 409
    message = _("The total has changed. Please look at it again.")


class CheckoutIncompleteError(DomainError):
    """Something is missing before an order can be placed."""

    code, status = "CHECKOUT_INCOMPLETE", 409
    message = _("This checkout is not complete.")


@dataclass(frozen=True)
class ConfirmRequest:
    """What the shopper says when confirming."""

    email: str
    first_name: str
    last_name: str
    phone: str
    shipping_address: Address
    billing_address: Address | None
    shipping_method_id: UUID | None
    expected_total: Decimal | None = None
    language: str = "en"


@dataclass(frozen=True)
class Confirmation:
    """The order, its first attempt (None if nothing is to pay or billing was away), and whether it came before.

    `answer` is what was answered before, if that was kept; the attempt is in it.
    """

    order: Order
    attempt: PaymentAttempt | None
    replayed: bool = False
    billing_away: bool = False
    answer: dict[str, Any] | None = None

    @property
    def status(self) -> int:
        """The answer's HTTP status."""
        return BILLING_AWAY if self.billing_away else 201


def confirm_order(
    *,
    find_checkout: Callable[[], UUID],
    owner: Owner,
    request: ConfirmRequest,
    key: Key | None,
    now: datetime,
) -> Confirmation:
    """Places the order of a checkout and opens its payment.

    `find_checkout` names the checkout, or makes it (`create-from-cart`); it runs only if the key is new.

    Raises:
        NotFoundError, CheckoutClosedError, CheckoutIncompleteError, PriceChangedError, OutOfStockError, the coupon
        errors: nothing was placed. IdempotencyConflictError, IdempotencyKeyReusedError.
    """
    try:
        with naming_own_order(owner, now=now):
            order = place(find_checkout=find_checkout, owner=owner, request=request, key=key, now=now)
    except KeyTakenError as before:
        return recall(before.key, now=now)
    return open_payment(order, now=now)


def recall(key: Key, *, now: datetime) -> Confirmation:
    """What a key has brought before; goes on where a process died before it could ask billing.

    Raises:
        IdempotencyKeyReusedError, IdempotencyConflictError
    """
    row, order = taken(key, now=now)
    if row.status is not None:
        return Confirmation(order, None, replayed=True, billing_away=row.status == BILLING_AWAY, answer=row.answer)
    attempt = PaymentAttempt.objects.filter(order_session__order=order, number=1).first()
    if attempt is not None or order.status != Order.Status.PENDING:  # nothing to pay, or paid or closed meanwhile
        return Confirmation(order, attempt, replayed=True)
    if now - row.created_at < IN_FLIGHT:
        raise IdempotencyConflictError
    return open_payment(order, now=now)


def open_payment(order: Order, *, now: datetime) -> Confirmation:
    """Opens the first attempt. A billing service that is away leaves the order pending, to be paid by a retry.

    An order that was closed, or whose window passed, before billing could be asked is answered as it is then.
    """
    try:
        attempt = start_payment(order=order, now=now)
    except BillingUnavailableError:
        return Confirmation(order, None, billing_away=True)
    except (SessionNotActiveError, SessionExpiredError):
        return Confirmation(Order.objects.select_related("session").get(pk=order.pk), None)
    return Confirmation(order, attempt)


def keep_answer(confirmation: Confirmation, answer: dict[str, Any]) -> None:
    """Keeps what is answered with its key, to be answered again."""
    remember_answer(confirmation.order, status=confirmation.status, answer=answer)


@transaction.atomic
def place(
    *,
    find_checkout: Callable[[], UUID],
    owner: Owner,
    request: ConfirmRequest,
    key: Key | None,
    now: datetime,
) -> Order:
    """The order, its key and the checkout's link in one transaction.

    Raises:
        KeyTakenError: the key came before.
    """
    order_id = new_id()
    if key is not None:
        claim(key, order_id=order_id, now=now)
    checkout = open_checkout(checkout_id=find_checkout(), owner=owner, now=now)
    return become_order(
        checkout,
        request,
        order_id=order_id,
        customer_id=owner.customer_id,
        visitor_id=owner.visitor_id,
        actor="customer",
        now=now,
    )


def become_order(
    checkout: CheckoutSession,
    request: ConfirmRequest,
    *,
    order_id: UUID,
    actor: str,
    now: datetime,
    customer_id: UUID | None = None,
    visitor_id: UUID | None = None,
    window: Window | None = None,
) -> Order:
    """The order that an open checkout becomes, in the caller's transaction. `window` goes before the rules of staff.

    Raises:
        CheckoutIncompleteError, InvalidInputError, PriceChangedError, OutOfStockError, the coupon errors
    """
    summary = complete(checkout, request, now=now)
    draft = draft_of(checkout, summary, request)
    draft = replace(draft, customer_id=customer_id, visitor_id=visitor_id, window=window)
    return place_order(
        order_id=order_id, draft=draft, actor=actor, now=now, alongside=partial(close_with, checkout, now=now)
    )


def close_with(checkout: CheckoutSession, order: Order, *, now: datetime) -> None:
    """The checkout has become this order, and its coupon was used.

    Raises:
        CouponUsedUpError
    """
    checkout.order, checkout.email = order, order.email
    keep(
        checkout,
        now=now,
        fields=["order", "email", "items", "shipping_address", "billing_address", "shipping_method"],
    )
    if checkout.coupon is not None:
        coupons.take_use(coupon=checkout.coupon, order=order)


def complete(checkout: CheckoutSession, request: ConfirmRequest, *, now: datetime) -> Summary:
    """Brings addresses, method, prices and coupon up to date and checks that all is there.

    Raises:
        CheckoutIncompleteError, InvalidInputError, PriceChangedError, OutOfStockError, the coupon errors
    """
    checkout.shipping_address = request.shipping_address
    checkout.billing_address = request.billing_address or request.shipping_address
    checkout.shipping_method = method_for(checkout, request)
    checkout.items = lines_of({UUID(line["productId"]): line["quantity"] for line in checkout.items})
    summary = total_up(checkout)
    if checkout.coupon is not None:
        coupons.check(checkout.coupon, subtotal=summary.subtotal, now=now)
    expected = request.expected_total
    if expected is not None and expected != summary.total:
        raise PriceChangedError(details={"summary": summary_body(summary)})
    return summary


def method_for(checkout: CheckoutSession, request: ConfirmRequest) -> ShippingMethod:
    """The method named now or chosen before, if it serves the address.

    Raises:
        CheckoutIncompleteError: none was ever chosen.
        InvalidInputError: it does not serve the address.
    """
    method_id = request.shipping_method_id or checkout.shipping_method_id
    if method_id is None:
        raise CheckoutIncompleteError(details={"shippingMethodId": [str(_("Please choose how to ship."))]})
    return chosen(serving(checkout, request.shipping_address), method_id, strict=True)


def draft_of(checkout: CheckoutSession, summary: Summary, request: ConfirmRequest) -> OrderDraft:
    """The order that the checkout has become."""
    sums = {name: value for name, value in vars(summary).items() if name != "tax_lines"}
    return OrderDraft(
        **sums,
        tax_lines=checkout.summary["taxLines"],
        lines=[order_line(line) for line in checkout.items],
        email=request.email,
        first_name=request.first_name,
        last_name=request.last_name,
        phone=request.phone,
        shipping_address=checkout.shipping_address or {},
        billing_address=checkout.billing_address or {},
        shipping_method=checkout.shipping_method.name if checkout.shipping_method else "",
        coupon_code=checkout.coupon.code if checkout.coupon else "",
        checkout_id=checkout.id,
        session_id=checkout.visitor_session_id,
        language=request.language,
        window_rules=window_rules(checkout.window_rules),
    )


def order_line(line: dict[str, Any]) -> OrderLine:
    """A checkout's line as the order takes it."""
    return OrderLine(
        product_id=UUID(line["productId"]),
        name=line["name"],
        sku=line["sku"],
        image=line["thumbnail"],
        unit_price=Decimal(line["unitPrice"]),
        quantity=line["quantity"],
        line_total=Decimal(line["lineTotal"]),
    )
