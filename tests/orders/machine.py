"""A shop to which anything may happen: paying, expiring, cancelling, retrying, refunding, reports late, twice and out
of order, lies and a billing service that falls ill. What must hold all the same: `test_machine`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.db import transaction
from django.db.models import Q
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core.clock import now
from core.errors import DomainError
from core.money import round_money
from orders import inbox
from orders.inbox import UnreadableWebhookError
from orders.models import Order, OrderSession, PaymentAttempt, Refund, WebhookReceipt
from orders.providers.contract import UnsignedWebhookError
from orders.services import (
    accept_attention,
    cancel_order,
    dismiss_attention,
    expire_due,
    poll_billing,
    refund_attention,
    refund_order,
    retry_payment,
    send_refunds,
)
from orders.services.closing import ASK_AGAIN_AFTER, BILLING_GRACE
from tests.billing_server import BillingService, PaySession
from tests.factories import CouponFactory
from tests.world import Shopper, World, secret_of, signed, webhook_body, window_ends

SECRET = settings.BILLING_WEBHOOK_SECRETS[0]
MOST_ORDERS = 5
PENDING = Q(status="pending")
DECISIONS = [accept_attention, accept_attention, refund_attention, dismiss_attention]
CALLS = ["open", "get", "cancel", "refund"]
ILLS = [{"down": True}, {"status": 500}, {"down": True, "acts": True}, {"status": 404, "body": "<html>"}]
"""No answer, a wrong one, what was asked is done and its answer gets lost, or a proxy's word that there is nothing."""
NO_WORD = [None, None, *ILLS]
"""Billing's last word: honest, or none."""
MOSTLY, RARELY = st.sampled_from([True, True, False]), st.sampled_from([True, False, False])
WHICH = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
"""Which one of those that can be meant; the first, mostly: much must happen to the same order."""


def action(times: int, name: str, *more: Any) -> list[Any]:
    """Something that may happen so many times as often as others, and with what. Of equals hypothesis takes one."""
    return [st.tuples(st.just(name), *more) for _ in range(times)]


ACTIONS = [
    *action(2, "place", st.integers(1, 6), st.booleans()),
    *action(4, "settle_at_billing", WHICH, st.sampled_from(["success", "success", "failure", "timeout"]), MOSTLY),
    *action(2, "pay_otherwise", WHICH, st.sampled_from(["", "", "0.00", "1.00", "500.00"])),
    *action(3, "hear", st.integers(0, 8), st.booleans()),
    *action(4, "retry", WHICH, st.sampled_from(["declined", "declined", "short", "open"]), RARELY, MOSTLY),
    *action(3, "decide", WHICH, st.sampled_from(DECISIONS)),
    *action(1, "cancel", WHICH),
    *action(1, "let_the_window_pass", WHICH, st.sampled_from([1, 181])),
    *action(2, "expire", MOSTLY, MOSTLY, st.sampled_from(NO_WORD)),
    *action(2, "refund_a_sale", WHICH, st.sampled_from(["all", "most", "piece", "shelf"]), MOSTLY),
    *action(1, "poll"),
    *action(1, "send_refunds", RARELY),
    *action(1, "take_up_webhooks"),
    *action(2, "billing_falls_ill_or_recovers", st.sampled_from(CALLS), st.sampled_from(ILLS)),
]
"""One rule draws from them: with one each hypothesis would leave half of them out of a run, and most bugs take more."""


class Shop(RuleBasedStateMachine):
    """One shop, one billing service, whatever may happen to them."""

    billing: BillingService
    settings: LazySettings

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo._from_testcase = True  # type: ignore[attr-defined] # so that waiting for billing is refused in the shop's own transactions alone
        self.undo.__enter__()
        self.billing.well()
        self.billing.sessions.clear()
        self.billing.by_key.clear()
        self.world = World()
        self.coupon = CouponFactory(max_uses=2)
        self.orders: list[Order] = []
        self.said: list[str] = []
        self.copies = self.attempts = 0

    def leave(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    @initialize(attempts=st.sampled_from([1, 2, 2, 3, 3]))
    def open_the_shop(self, attempts: int) -> None:
        self.settings.ORDER_SESSION_MAX_ATTEMPTS = self.attempts = attempts
        self.place(2, True)

    # One rule, not many: hypothesis leaves half of the rules out of each run, and what may go wrong takes most of them.
    @rule(action=st.one_of(ACTIONS))
    def something_happens(self, action: tuple[Any, ...]) -> None:
        name, *arguments = action
        getattr(self, name)(*arguments)

    def order(self, number: int, wanted: Q) -> Order:
        """One of the orders: those of which something can come first, the newest first."""
        orders: list[Order] = [*Order.objects.filter(wanted).order_by("-placed_at"), *self.orders]
        return orders[number % len(orders)]

    def session(self, number: int, *wanted: str) -> PaySession:
        """The same of pay sessions: those in such a state first."""
        newest = list(reversed(self.billing.sessions.values()))
        return sorted(newest, key=lambda session: session.status not in wanted)[number % len(newest)]

    def place(self, quantity: int, coupon: bool) -> None:
        if len(self.orders) == MOST_ORDERS:
            return
        shopper = Shopper()
        answer = shopper.initiate((self.world.mug, quantity), (self.world.tea, 1))
        if answer.status_code != 201:
            assert answer.json()["error"] == "OUT_OF_STOCK"
            return
        checkout_id = answer.json()["data"]["checkoutId"]
        if coupon:
            shopper.apply(checkout_id, self.coupon.code)
        placed = shopper.confirm(checkout_id, self.world)
        assert placed.status_code == 201 or placed.json()["error"] in ("BILLING_UNAVAILABLE", "COUPON_USED_UP")
        self.orders = list(Order.objects.order_by("-placed_at"))

    def settle_at_billing(self, number: int, status: str, heard: bool) -> None:
        """The shopper acts at billing, which says so by a webhook, or does not. What it said before may come later."""
        session = self.session(number, "open")
        self.say(session)
        if session.status == "open":
            self.billing.settle(session.checkout_id, status)
        self.say(session)
        if heard:
            self.hear(0, again=False)

    def pay_otherwise(self, number: int, amount: str) -> None:
        """Billing takes something else than was agreed; or what was agreed, though it had given it up."""
        states = ["open"] if amount else ["failure", "timeout"]
        session = self.session(number, *states)
        if session.status in states:
            self.billing.settle(session.checkout_id, "success", amount=amount)
            self.say(session)
            self.hear(0, again=False)

    def say(self, session: PaySession) -> None:
        """Billing sends a webhook; it is on its way."""
        self.said.append(json.dumps(webhook_body(session)))

    def decide(self, number: int, service: Any) -> None:
        """Somebody of the staff looks at it."""
        allow(service, order_id=self.order(number, ~Q(needs_attention="")).id, reason="why", actor="staff", now=now())

    def hear(self, number: int, again: bool) -> None:
        """A webhook comes, perhaps late, perhaps again: under its own id, or another. With it a forged one."""
        if not self.said:
            return
        place = len(self.said) - 1 - number % len(self.said)
        self.copies += again
        self.receive(self.said[place], webhook_id=f"msg_{place}" + f"_{self.copies}" * again)
        self.forge(number)

    def receive(self, body: str, *, webhook_id: str, secret: str = SECRET) -> None:
        headers = signed(body, secret=secret, webhook_id=webhook_id)
        inbox.receive(provider="billing", body=body.encode(), headers=headers, now=now())

    def forge(self, number: int) -> None:
        """Somebody says that it is paid: without the secret, and with it about another order."""
        lie = webhook_body(self.session(number), status="success", orderId="bill_of_another")
        before = self.state()
        with pytest.raises(UnsignedWebhookError):
            self.receive(json.dumps(lie), webhook_id="forged", secret=secret_of("guessed"))
        if PaymentAttempt.objects.filter(billing_checkout_id=lie["data"]["checkoutId"]).exists():
            with pytest.raises(UnreadableWebhookError):
                self.receive(json.dumps(lie), webhook_id=f"lie_{WebhookReceipt.objects.count()}")
        assert self.state() == before

    def state(self) -> list[Any]:
        """What a report could change."""
        attempts = PaymentAttempt.objects.order_by("opened_at").values_list("pk", "status", "counted_at")
        return [*attempts, *Order.objects.order_by("pk").values_list("pk", "status", "needs_attention")]

    def take_up_webhooks(self) -> None:
        inbox.take_up(now=now())
        early = WebhookReceipt.objects.filter(outcome="unmatched").values("checkout_id")
        assert not PaymentAttempt.objects.filter(billing_checkout_id__in=early).exists()

    def poll(self) -> None:
        PaymentAttempt.objects.watched().update(next_poll_at=now())
        poll_billing(now=now())

    def send_refunds(self, lost: bool) -> None:
        """The job; the answers to the first round may be lost."""
        if lost:
            knobs = dict(self.billing.knobs)
            self.billing.knob("refund", down=True, acts=True)
            self.send_refunds(lost=False)
            self.billing.knobs = knobs
        Refund.objects.filter(status="requested").update(next_try_at=now())
        send_refunds(now=now())

    def refund_a_sale(self, number: int, how: str, sent: bool) -> None:
        """Somebody of the staff sends money of a paid order back: all that is left, most of it, or a piece's worth."""
        order = self.order(number, Q(status="success"))
        most, piece = round_money(order.total * 2 / 3, order.currency), {order.items.earliest("id").pk: 1}
        what: dict[str, dict[str, Any]] = {
            "all": {},
            "most": {"amount": most},
            "piece": {"pieces": piece},
            "shelf": {"pieces": piece, "to_stock": True},
        }
        allow(refund_order, order_id=order.id, reason="why", actor="staff", now=now(), **what[how])
        if sent:
            self.send_refunds(lost=False)

    def expire(self, ended: bool, paid: bool, ill: dict[str, Any] | None) -> None:
        """All whose time has come, after billing was asked; nobody else. One may just have been paid, and ended, and
        billing may have no word to say of it.
        """
        if paid and (session := self.open_session(self.order(0, PENDING))) is not None:
            self.billing.settle(session.checkout_id, "success")
            self.say(session)
        if ended:
            self.let_the_window_pass(0, 1)
        knobs = dict(self.billing.knobs)
        if ill is not None:
            self.billing.knob("cancel", **ill)
        self.expire_now()
        self.billing.knobs = knobs

    def expire_now(self) -> None:
        """The job."""
        at = now()
        pending = list(Order.objects.pending().select_related("session"))
        due = [order for order in pending if order.session.expires_at <= at]
        just_paid = [order for order in due if self.is_paid_at_billing(order)]
        waiting = [order for order in due if self.open_session(order) and order.session.expires_at > at - BILLING_GRACE]
        lately = PaymentAttempt.objects.filter(status="open", asked_at__gt=at - ASK_AGAIN_AFTER)
        asked_in_vain = set(lately.values_list("order_session__order", flat=True))  # and not again so soon
        expire_due(now=at)
        closed = set(Order.objects.exclude(status="pending").values_list("pk", flat=True))
        assert closed.isdisjoint(order.pk for order in pending if order not in due)
        if "cancel" in self.billing.knobs:
            assert closed.isdisjoint(order.pk for order in waiting)
        if not self.billing.knobs:
            assert closed.issuperset(order.pk for order in due if order.pk not in asked_in_vain)
            assert not any(order.history.filter(new="expired").exists() for order in just_paid)

    def is_paid_at_billing(self, order: Order) -> bool:
        """Whether billing took what was agreed by the attempt that is open."""
        attempt = PaymentAttempt.objects.filter(order_session__order=order, status="open").first()
        session = self.billing.sessions[attempt.billing_checkout_id] if attempt else None
        return session is not None and session.status == "success" and Decimal(session.amount) == order.total

    def open_session(self, order: Order) -> PaySession | None:
        """Where the order can be paid at billing."""
        attempts = PaymentAttempt.objects.filter(order_session__order=order, status="open")
        sessions = [self.billing.sessions[attempt.billing_checkout_id] for attempt in attempts]
        return next((session for session in sessions if session.status == "open"), None)

    def cancel(self, number: int) -> None:
        allow(cancel_order, order_id=self.order(number, PENDING).id, actor="customer", now=now())

    def let_the_window_pass(self, number: int, ago: int) -> None:
        self.end_window(self.order(number, PENDING), timedelta(seconds=ago))

    def end_window(self, order: Order, ago: timedelta) -> None:
        """It ended `ago`, if it has not ended before."""
        if OrderSession.objects.get(order=order).expires_at > now() - ago:
            window_ends(order, ago=ago)

    def retry(self, number: int, after: str, late: bool, paid: bool) -> None:
        """Only in the window, which it does not prolong; and billing opens nothing that is not written down."""
        order = self.order(number, PENDING)
        session = self.open_session(order)
        if session is not None and after != "open":
            status, amount = {"declined": ("failure", None), "short": ("success", "1.00")}[after]
            self.billing.settle(session.checkout_id, status, amount=amount)
            self.say(session)
            self.hear(0, again=False)
        if late:
            self.end_window(order, timedelta(0))
        window, known = OrderSession.objects.get(order=order), set(self.billing.sessions)
        is_over = window.expires_at <= now() or window.status != "active"
        allow(retry_payment, order_id=order.id, now=now())
        attempts = PaymentAttempt.objects.filter(billing_checkout_id__in=set(self.billing.sessions) - known)
        assert OrderSession.objects.get(order=order).expires_at == window.expires_at
        assert not (is_over and window.attempts.count() > window.payment_attempts)
        assert "open" in self.billing.knobs or attempts.count() == len(self.billing.sessions) - len(known)
        if paid and attempts.exists():
            self.settle_at_billing(0, "success", True)

    def billing_falls_ill_or_recovers(self, kind: str, knob: dict[str, Any]) -> None:
        if self.billing.knobs:
            self.billing.well()
        else:
            self.billing.knob(kind, **knob)


def allow(work: Any, **arguments: Any) -> None:
    """A refusal by the rules is an answer."""
    try:
        work(**arguments)
    except DomainError:
        return
