"""The staff page of an order as one account: what state it is in, what is next, and all that happened, in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from core.admin import BAD, GOOD, NOTHING, PLAIN, WAITING, Row, by_day, fact, words
from core.money import money_text
from orders import timeline
from orders.models import Order, Refund
from orders.order_page import refunds_of
from orders.serializers import payment_status
from orders.services.desk import is_open, may_become
from sessions_app.timeline import Moment

STEPS = ("process", "ship", "deliver", "poll", "refund")
"""Actions that may be the next step."""
Fulfillment = Order.Fulfillment
SAID_ONCE = ("by", "reason", "text")
"""Details that stand in the row itself."""


@dataclass(frozen=True)
class State:
    """What became of the money, in a word and in a sentence, with the colour of the word."""

    word: str
    sentence: str
    colour: str


@dataclass(frozen=True)
class Step:
    """What is to be done next. `action` is empty where nobody need do anything, `address` where this person may not."""

    text: str
    action: str = ""
    label: str = ""
    address: str = ""


@dataclass(frozen=True)
class Desk:
    """The page. `days` are the rows by day, the newest last."""

    order: Order
    state: State
    step: Step
    days: list[tuple[str, list[Row]]] = field(default_factory=list)


def desk_of(order: Order, offered: Mapping[str, str], *, now: datetime) -> Desk:
    """The page of an order; `offered` are the addresses of the steps that may be taken."""
    account = timeline.account(order)
    rows = [row_of(moment, now=now) for moment in account.moments]
    return Desk(order, state_of(order, now=now), next_step(order, offered, now=now), list(by_day(rows)))


def row_of(moment: Moment, *, now: datetime) -> Row:
    """A moment as a row."""
    said = moment.details
    return Row(
        at=moment.at,
        what=words(moment.what),
        kind=moment.source,
        by=str(said.get("by", "")),
        reason=str(said.get("reason", "")),
        text=str(said.get("text", "")),
        details=[(words(name), fact(value)) for name, value in said.items() if name not in SAID_ONCE],
        note=_("to come") if moment.at > now else "",
    )


def state_of(order: Order, *, now: datetime) -> State:
    """What became of the money."""
    total, back = money_text(order.total, order.currency), money_text(order.refunded_amount, order.currency)
    paid = day_and_time(order.paid_at)
    match payment_status(order):
        case "paid":
            return State(_("Paid"), _("%(total)s on %(at)s") % {"total": total, "at": paid}, GOOD)
        case "partly_refunded":
            return State(_("Partly refunded"), _("%(back)s of %(total)s") % {"back": back, "total": total}, PLAIN)
        case "refunded":
            return State(_("Refunded"), total, PLAIN)
    if order.status != Order.Status.PENDING:
        colour = BAD if order.status == Order.Status.FAILED else "default"
        at = day_and_time(order.closed_at)
        return State(order.get_status_display(), _("%(total)s, closed on %(at)s") % {"total": total, "at": at}, colour)
    return waiting(order, total, now=now)


def waiting(order: Order, total: str, *, now: datetime) -> State:
    """The state of an order that is not paid yet."""
    window = getattr(order, "session", None)
    if window is None:
        return State(_("Waits for payment"), total, WAITING)
    values = {
        "total": total,
        "at": day_and_time(window.expires_at),
        "used": window.payment_attempts,
        "most": window.max_payment_attempts,
    }
    if not is_open(order, now=now):
        return State(_("Window has passed"), _("%(total)s by %(at)s") % values, WAITING)
    sentence = _("%(total)s by %(at)s, %(used)s of %(most)s attempts used")
    return State(_("Waits for payment"), sentence % values, WAITING)


def next_step(order: Order, offered: Mapping[str, str], *, now: datetime) -> Step:
    """What somebody should do now."""
    if order.needs_attention:
        return Step(_("Decide, by the buttons above: %s") % order.needs_attention)
    if order.status == Order.Status.PENDING:
        text = _("The shopper pays.") if is_open(order, now=now) else _("It is closed within minutes.")
        return step(text, "poll", _("Ask billing"), offered)
    if order.status != Order.Status.SUCCESS:
        return Step(_("Nothing: the order is closed."))
    if goes_back(order):
        return Step(_("Nothing: all of its money is on its way back."))
    if order.refunded_amount < order.total or not order.total:
        for status, action, text, label in fulfilling():
            if may_become(order, status) and order.fulfillment_status != status:
                return step(text, action, label, offered)
    if order.fulfillment_status == Fulfillment.CANCELED and "refund" in offered:
        return step(_("It is not sent: the money can go back."), "refund", _("Refund"), offered)
    return Step(_("Nothing: all is done."))


def goes_back(order: Order) -> bool:
    """Whether all that was paid for it goes back, and some of it is on its way still."""
    waiting = [each.amount for each in refunds_of(order) if each.was_sale and each.status == Refund.Status.REQUESTED]
    return bool(waiting) and order.refunded_amount + sum(waiting) >= order.total


def fulfilling() -> list[tuple[str, str, str, str]]:
    """The steps of the fulfilment: where to, by which action, what to do, the button's label."""
    return [
        (Fulfillment.PROCESSING, "process", _("Pack it."), _("Mark as processing")),
        (Fulfillment.SHIPPED, "ship", _("Send it."), _("Mark as shipped")),
        (Fulfillment.DELIVERED, "deliver", _("It is on its way."), _("Mark as delivered")),
    ]


def step(text: str, action: str, label: str, offered: Mapping[str, str]) -> Step:
    """A step with its button, if it is offered."""
    return Step(text, action, label, offered.get(action, ""))


def day_and_time(at: datetime | None) -> str:
    """To the second, in the admin's time zone."""
    return f"{localtime(at):%d %b %Y %H:%M:%S}" if at else NOTHING
