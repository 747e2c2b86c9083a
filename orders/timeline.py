"""Everything that is known about one order, in the order of time. Floors above add what they know (`add_part`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from core.models import Mail
from core.money import money_string
from orders.models import (
    Order,
    OrderSession,
    OrderStatusChange,
    OutboxEvent,
    PaymentAttempt,
    Refund,
    WebhookDelivery,
    WebhookReceipt,
)
from sessions_app import timeline as visits
from sessions_app.models import VisitorSession
from sessions_app.timeline import Moment

Part = Callable[[Order], Iterable[Moment]]


@dataclass(frozen=True)
class Account:
    """One order. `window` is None for an order that was imported, `visit` where retention removed it or none was."""

    order: Order
    window: OrderSession | None
    visit: VisitorSession | None
    attempts: list[PaymentAttempt]
    moments: list[Moment]


def order_named(text: str) -> Order | None:
    """The order in what somebody pasted: its number, in any case and, if it is ours, without `ORD-`; or its id."""
    text = text.strip()
    number = text.upper()
    try:
        named = Q(pk=UUID(text))
    except ValueError:
        named = Q(number__in=[number, f"ORD-{number}"])
    return Order.objects.select_related("session", "visitor_session").filter(named).first()


def account(order: Order) -> Account:
    """All about an order."""
    window: OrderSession | None = getattr(order, "session", None)
    attempts = list(window.attempts.order_by("number")) if window else []
    moments = [moment for part in parts for moment in part(order)]
    return Account(order, window, order.visitor_session, attempts, sorted(moments, key=lambda moment: moment.at))


def money(amount: Any, order: Order) -> str:
    """An amount with the order's currency."""
    return f"{money_string(amount, order.currency)} {order.currency}"


def facts(**known: object) -> dict[str, Any]:
    """What there is to say: facts that are empty are left out."""
    return {name: fact for name, fact in known.items() if fact not in (None, "", 0)}


# The parts ----------------------------------------------------------------------------------------------------------


def touches(order: Order) -> Iterable[Moment]:
    """The first and the last touch, as they were frozen when the order was placed."""
    for which, touch in (("first touch", order.first_touch), ("last touch", order.last_touch)):
        if touch:
            arrived = visits.arrival(touch, stored=True, otherwise=order.placed_at)
            yield Moment(arrived.at, which, "touch", details=arrived.details)


def visit(order: Order) -> Iterable[Moment]:
    """The visit that ordered: when it began, arrived anew, was converted, ended."""
    for moment in visits.milestones(order.visitor_session):
        yield Moment(moment.at, moment.what, "visit", details=moment.details)


def history(order: Order) -> Iterable[Moment]:
    """Every change of the order, by whom and why. Those of its attempts stand among its payments."""
    for change in order.history.all():
        if change.field == "attempt":
            continue
        what = f"{change.field}: {change.old or '–'} → {change.new or '–'}"
        yield Moment(change.created_at, what, "order", details=facts(by=change.actor, reason=change.reason))


def comments(order: Order) -> Iterable[Moment]:
    """What staff noted."""
    for comment in order.comments.all():
        yield Moment(comment.created_at, "comment", "staff", details=facts(by=comment.actor, text=comment.text))


def payment(order: Order) -> Iterable[Moment]:
    """The end of the window, unless it was closed before; each attempt: opened, how often billing was asked and with
    what luck, over.
    """
    window: OrderSession | None = getattr(order, "session", None)
    if window is None:
        return
    if window.status in (OrderSession.Status.ACTIVE, OrderSession.Status.EXPIRED):
        yield Moment(window.expires_at, "payment window ends", "payment", details=facts(status=window.status))
    changes = {change.new: change for change in order.history.all() if change.field == "attempt"}
    for attempt in window.attempts.all():
        yield from moments_of(attempt, order, changes)


def moments_of(attempt: PaymentAttempt, order: Order, changes: Mapping[str, OrderStatusChange]) -> Iterable[Moment]:
    """An attempt: opened, due to be asked about, over. `changes` are those of the order's attempts by what they led to;
    older orders have none.
    """
    opened = facts(amount=money(attempt.amount, order), at_billing=attempt.billing_checkout_id)
    by = who(changes.get(f"{attempt.number} {PaymentAttempt.Status.OPEN}"))
    yield Moment(attempt.opened_at, f"attempt {attempt.number} opened", "payment", details=by | opened)
    polls = facts(
        polls=attempt.poll_count,
        errors_in_a_row=attempt.error_count,
        unknown_in_a_row=attempt.unknown_count,
        last_error=attempt.last_error,
    )
    if attempt.next_poll_at:
        what = f"attempt {attempt.number} is due to be asked about"
        yield Moment(attempt.next_poll_at, what, "payment", details=polls)
    if attempt.resolved_at:
        by = who(changes.get(f"{attempt.number} {attempt.status}"))
        what = f"attempt {attempt.number}: {attempt.status}"
        yield Moment(attempt.resolved_at, what, "payment", details=by | polls)


def who(change: OrderStatusChange | None) -> dict[str, Any]:
    """By whom and why."""
    return facts(by=change.actor, reason=change.reason) if change else {}


def refunds(order: Order) -> Iterable[Moment]:
    """Money on its way back."""
    for refund in Refund.objects.of(order.pk).select_related("attempt", "order"):
        amount = f"{money_string(refund.amount, refund.currency)} {refund.currency}"
        said = facts(amount=amount, reason=refund.reason, tries=refund.tries, error=refund.last_error)
        if refund.attempt_id:
            yield Moment(refund.requested_at, "refund requested", "refund", details=said)
        if refund.made_at:
            yield Moment(
                refund.made_at, "refund made", "refund", details=facts(amount=amount, number=refund.credit_note)
            )


def webhooks(order: Order) -> Iterable[Moment]:
    """What billing said by itself."""
    pay_sessions = PaymentAttempt.objects.filter(order_session__order=order).values("billing_checkout_id")
    for receipt in WebhookReceipt.objects.filter(checkout_id__in=pay_sessions):
        said = facts(id=receipt.webhook_id, outcome=receipt.outcome, tries=receipt.tries, error=receipt.error)
        yield Moment(receipt.received_at, "webhook came", "webhook", details=said)


def outbox(order: Order) -> Iterable[Moment]:
    """What other services were to hear."""
    for event in OutboxEvent.objects.filter(payload__orderId=str(order.pk)):
        yield Moment(event.created_at, f"{event.topic} written", "outbox")
    told = WebhookDelivery.objects.filter(event__payload__orderId=str(order.pk)).select_related("event")
    for delivery in told:
        said = facts(subscriber=delivery.endpoint_id, tries=delivery.tries, error=delivery.last_error)
        at = delivery.settled_at or delivery.queued_at
        yield Moment(at, f"{delivery.event.topic}: {delivery.status}", "outbox", details=said)


def mails(order: Order) -> Iterable[Moment]:
    """Mails to the customer in which the order is named."""
    named = {str(order.pk), order.number}
    for mail in Mail.objects.to(order.email).filter(created_at__gte=order.placed_at):
        if named.isdisjoint(map(str, mail.context.values())):
            continue
        said = facts(status=mail.status, tries=mail.attempts, error=mail.last_error)
        yield Moment(mail.created_at, f"mail {mail.kind} written", "mail", details=said)
        if mail.sent_at:
            yield Moment(mail.sent_at, f"mail {mail.kind} sent", "mail")


parts: list[Part] = [touches, visit, history, comments, payment, refunds, webhooks, outbox, mails]


def add_part(part: Part) -> None:
    """Adds what a floor above knows; called when its app is ready."""
    if part not in parts:
        parts.append(part)
