"""The mails about an order: what they say, and whether there is still reason to say it, decided when they are sent.

Staff may write other texts (`core.mail_texts`). A mail about an order that is not paid holds nothing that whoever
placed it has written: anybody can place one with anybody's address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from babel.dates import format_datetime
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core import logs, mail, mail_texts
from core.addresses import country_name
from core.clock import shop_zone
from core.ids import new_id
from core.mail import Letter
from core.mail_texts import Editable, Text, filled, paragraphs, text_of
from core.models import Mail
from core.money import money_text, tax_included
from orders.models import Order, OrderItem, OrderSession, OrderStatusChange, Refund
from orders.services.recording import at_hand
from orders.tokens import token_of

RECEIVED = "order.received"
REMINDER = "order.reminder"
PAID = "order.paid"
EXPIRED = "order.expired"
FAILED = "order.failed"
SHIPPED = "order.shipped"
REFUNDED = "order.refunded"
MINUS = "\N{MINUS SIGN}"
AN_HOUR = 20
"""Mails of a kind about unpaid orders that one address gets, whoever places them."""
WORDS = {"shop": "the shop's name", "number": "the order's number", "total": "what it costs"}
WITH_WINDOW = WORDS | {"until": "the end of the payment window"}
WITH_NAME = WORDS | {"name": "the customer's first name"}
WITH_PARCEL = WITH_NAME | {"tracking": "carrier and tracking number, if there are any"}
WITH_AMOUNT = WITH_NAME | {"amount": "what goes back"}


def register_kinds() -> None:
    """Makes these mails known; called when the app is ready."""
    for kind, build, an_hour in (
        (RECEIVED, received, AN_HOUR),
        (REMINDER, reminder, AN_HOUR),
        (PAID, paid, None),
        (EXPIRED, expired, AN_HOUR),
        (FAILED, failed, AN_HOUR),
        (SHIPPED, shipped, None),
        (REFUNDED, refunded, None),
    ):
        mail.register(kind, build, an_hour=an_hour)
    for kind, (name, ours, words) in TEXTS.items():
        mail_texts.register(kind, Editable(name, ours, words, sample_of(kind)))


def about(order: Order, kind: str, *, now: datetime, event: str = "", **context: str) -> Mail:
    """A mail about an order, to be stored in the transaction of what it tells. One a kind, or one an `event` of it."""
    return mail.written(
        kind=kind,
        recipient=order.email,
        language=order.language,
        context={"order": str(order.id), **context},
        dedupe_key=f"{kind} {order.id} {event}".strip(),
        now=now,
    )


def about_shipping(order: Order, change: OrderStatusChange, *, now: datetime, event: str = "") -> Mail:
    """The mail about a parcel: one for the change that sent it off, or corrected how it can be followed."""
    return about(order, SHIPPED, now=now, event=event or str(change.pk), change=str(change.pk))


def newest_shipping(order: Order) -> OrderStatusChange:
    """The change that says how the order's parcel is followed.

    Raises:
        OrderStatusChange.DoesNotExist: it was never shipped.
    """
    return order.history.filter(field="fulfillment_status", new=Order.Fulfillment.SHIPPED).latest("id")


def order_of(row: Mail, *statuses: str) -> Order | None:
    """The order that a mail is about, if it is still in one of these states."""
    orders = Order.objects.select_related("session").prefetch_related("items")
    order = orders.filter(pk=row.context["order"], status__in=statuses).first()
    if order is not None:
        logs.note(order=order.number)
    return order


def received(row: Mail, now: datetime) -> Letter | None:
    """Where to pay a new order; nothing once it is paid or its window has passed."""
    return payable(row, RECEIVED, now)


def reminder(row: Mail, now: datetime) -> Letter | None:
    """The same, when a third of the window is left."""
    return payable(row, REMINDER, now)


def payable(row: Mail, kind: str, now: datetime) -> Letter | None:
    """A mail with the link to pay, to whoever can still pay."""
    order = order_of(row, Order.Status.PENDING)
    if order is None or now >= order.session.expires_at:
        return None
    return letter(order, text_of(kind, row.language), link_text=_("Pay now"))


def paid(row: Mail, now: datetime) -> Letter | None:
    """What was bought, and where to."""
    order = order_of(row, Order.Status.SUCCESS)
    return letter(order, text_of(PAID, row.language), personal=True) if order else None


def expired(row: Mail, now: datetime) -> Letter | None:
    """That the window has passed; nothing if the money came after all."""
    order = order_of(row, Order.Status.EXPIRED)
    return letter(order, text_of(EXPIRED, row.language)) if order else None


def failed(row: Mail, now: datetime) -> Letter | None:
    """That no attempt to pay came through; nothing if the money came after all."""
    order = order_of(row, Order.Status.FAILED)
    return letter(order, text_of(FAILED, row.language)) if order else None


def shipped(row: Mail, now: datetime) -> Letter | None:
    """That it is on its way, and how to follow it; nothing if it has arrived, or another parcel was noted since."""
    order = order_of(row, Order.Status.SUCCESS)
    if order is None or order.fulfillment_status != Order.Fulfillment.SHIPPED:
        return None
    if str(newest_shipping(order).pk) != row.context["change"]:
        return None
    return letter(order, text_of(SHIPPED, row.language), personal=True)


def refunded(row: Mail, now: datetime) -> Letter | None:
    """What goes back."""
    refund = Refund.objects.filter(pk=row.context["refund"]).select_related("attempt").first()
    order = order_of(row, *Order.Status)
    if refund is None or order is None:
        return None
    return letter(order, text_of(REFUNDED, row.language), amount=amount_text(refund.amount, refund.currency))


def letter(
    order: Order, text: Text, *, link_text: str | None = None, amount: str = "", personal: bool = False
) -> Letter:
    """The mail with the order in it; the link opens the order. `personal` adds what whoever placed it has written."""
    values = values_of(order) | {"amount": amount, "name": order.first_name}
    context = {
        "paragraphs": [filled(paragraph, values) for paragraph in paragraphs(text.body)],
        "link": order_link(order),
        "link_text": link_text or _("See the order"),
        "heading": _("Your order"),
        "number": order.number,
        "sent_to": _("Deliver to"),
        "lines": [
            (item.quantity, item.name, amount_text(item.line_total, order.currency)) for item in order.items.all()
        ],
        "sums": sums_of(order),
        "address": address_lines(order) if personal else [],
        "shipping_method": order.shipping_method,
        "followed": _("Tracking"),
        "tracking": tracking(order) if personal else "",
        "tracking_url": order.tracking_url if personal else "",
    }
    return Letter(order.email, filled(text.subject, values), "mail/order", context)


def values_of(order: Order) -> dict[str, str]:
    """What the words in braces stand for."""
    until = order.session.expires_at.astimezone(shop_zone())
    return {
        "shop": settings.SHOP_NAME,
        "number": order.number,
        "total": amount_text(order.total, order.currency),
        "tracking": tracking(order),
        # Translators: day and time as your readers write them, in the letters of Unicode's date patterns.
        # ZZZZ is GMT+07:00.
        "until": format_datetime(until, _("d MMM yyyy, HH:mm (ZZZZ)"), locale=language_now()),
    }


def sums_of(order: Order) -> list[tuple[str, str]]:
    """The sums, those that are nothing left out, the total last."""
    named = [
        (_("Subtotal"), "", order.subtotal),
        (_("Discount"), MINUS, order.discount_amount),
        (_("Shipping"), "", order.shipping_amount),
        (_("of which tax") if tax_included(order) else _("Tax"), "", order.tax_amount),
    ]
    found = [(name, sign + amount_text(amount, order.currency)) for name, sign, amount in named if amount]
    return [*found, (_("Total"), amount_text(order.total, order.currency))]


def address_lines(order: Order) -> list[str]:
    """Whom it is sent to, and where."""
    kept = order.shipping_address
    place = " ".join(filter(None, (kept.get("postalCode", ""), kept.get("city", ""))))
    lines = (
        f"{order.first_name} {order.last_name}".strip(),
        kept.get("line1", ""),
        kept.get("line2", ""),
        place,
        kept.get("region", ""),
        country_name(kept.get("country", ""), language_now()),
    )
    return [line for line in lines if line]


def tracking(order: Order) -> str:
    """The carrier and its number of the parcel, as far as they are known."""
    return f"{order.carrier} {order.tracking_number}".strip()


def order_link(order: Order) -> str:
    """The shop's page of the order, with its token behind the `#`, which no server is sent."""
    return f"{settings.BILLING_RETURN_URL.format(order_id=order.id)}#token={token_of(order)}"


def amount_text(amount: Decimal, currency: str) -> str:
    """Money as people write it in the language of the mail."""
    return money_text(amount, currency, language_now())


def language_now() -> str:
    """The active language, as babel knows it."""
    return (get_language() or "en").split("-")[0]


TEXTS: dict[str, tuple[str, Callable[[], Text], Mapping[str, str]]] = {
    RECEIVED: (
        "Order received, with the link to pay",
        lambda: Text(
            _("Your order {number} at {shop}"),
            _("We have received your order. It is kept for you until {until}.\n\nPlease pay {total} by then:"),
        ),
        WITH_WINDOW,
    ),
    REMINDER: (
        "Payment reminder",
        lambda: Text(
            _("Your order {number} is waiting to be paid"),
            _("Your order is kept for you until {until}. After that, what you chose goes back on the shelf."),
        ),
        WITH_WINDOW,
    ),
    PAID: (
        "Order paid",
        lambda: Text(
            _("Thank you for your order {number}"),
            _("Thank you, {name}. We have received your payment of {total}, and get your order ready."),
        ),
        WITH_NAME,
    ),
    EXPIRED: (
        "Order expired",
        lambda: Text(
            _("Your order {number} has expired"),
            _("Your order was not paid in time, so it was closed. Nothing was charged.\n\n"
              "If you still want it, you are welcome to order again."),
        ),
        WORDS,
    ),
    FAILED: (
        "Payment failed",
        lambda: Text(
            _("The payment of your order {number} failed"),
            _("None of the attempts to pay came through, so the order was closed. Nothing was charged.\n\n"
              "If you still want it, you are welcome to order again."),
        ),
        WORDS,
    ),
    SHIPPED: (
        "Order shipped",
        lambda: Text(
            _("Your order {number} is on its way"),
            _("Good news, {name}: we have sent your order to you."),
        ),
        WITH_PARCEL,
    ),
    REFUNDED: (
        "Refund",
        lambda: Text(
            _("Your refund for order {number}"),
            _("We have sent {amount} back to you. It may take your bank some days to show it."),
        ),
        WITH_AMOUNT,
    ),
}  # fmt: skip


def sample_of(kind: str) -> Callable[[Text], Letter]:
    """A mail of this kind about nobody, to look at."""

    def sample(text: Text) -> Letter:
        order = sample_order()
        if kind == SHIPPED:
            order.carrier, order.tracking_number = "Royal Mail", "AB123456789GB"
        return letter(
            order,
            text,
            link_text=_("Pay now") if kind in (RECEIVED, REMINDER) else None,
            amount=amount_text(order.total, order.currency),
            personal=kind in (PAID, SHIPPED),
        )

    return sample


def sample_order() -> Order:
    """An order that nobody placed."""
    order = Order(
        id=new_id(), number="ORD-0123456789", email="ada@example.com", first_name="Ada", last_name="Byron",
        subtotal=Decimal(58), shipping_amount=Decimal(5), tax_amount=Decimal(0), total=Decimal(63),
        currency=settings.SHOP_CURRENCY, shipping_method=_("Standard"),
        shipping_address={"line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "GB"},
    )  # fmt: skip
    OrderSession(order=order, expires_at=datetime.now(shop_zone()) + timedelta(minutes=15))
    at_hand(order, "items", [OrderItem(order=order, name=_("A mug"), quantity=2, line_total=Decimal(58))])
    return order
