"""What staff do with many orders of the list at once: the same services, an order at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core import logs
from core.admin import HistoryAdmin, action
from core.clock import now
from core.errors import DomainError
from orders.models import Order
from orders.services import fulfil, resend_mail

MOST = 200
"""Orders of one request; each is a transaction of its own."""
SHOWN = 10


class BulkActions(HistoryAdmin):
    """Actions for the orders that are ticked in the list."""

    actions = ("process_many", "deliver_many", "resend_many")

    @action(description=_("Mark as processing"), permissions=["fulfil_many"])
    def process_many(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        service = partial(fulfil, status=Order.Fulfillment.PROCESSING)
        self.do_all(request, orders, service, gettext("The order is being processed."))

    @action(description=_("Mark as delivered"), permissions=["fulfil_many"])
    def deliver_many(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        service = partial(fulfil, status=Order.Fulfillment.DELIVERED)
        self.do_all(request, orders, service, gettext("The order is delivered."))

    @action(description=_("Send mail again"), permissions=["resend_many"])
    def resend_many(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        self.do_all(request, orders, resend_mail, gettext("The mail is on its way."))

    def do_all(self, request: HttpRequest, orders: QuerySet[Order], service: Callable[..., Any], done: str) -> None:
        """Does it to each, and tells how many were done and which were refused. What is refused stops no other."""
        chosen = list(orders[: MOST + 1])
        if len(chosen) > MOST:
            self.message_user(request, gettext("Choose %d orders at most.") % MOST, messages.ERROR)
            return
        refused = [f"{order.number}: {why}" for order in chosen if (why := self.do_one(request, order, service, done))]
        number = len(chosen) - len(refused)
        if number:
            text = ngettext("Done for %d order.", "Done for %d orders.", number) % number
            self.message_user(request, text, messages.SUCCESS)
        if refused:
            text = ngettext("%d order was refused", "%d orders were refused", len(refused)) % len(refused)
            more = " …" if len(refused) > SHOWN else ""
            self.message_user(request, f"{text}. {' '.join(refused[:SHOWN])}{more}", messages.WARNING)

    @logs.about()
    def do_one(self, request: HttpRequest, order: Order, service: Callable[..., Any], done: str) -> str:
        """Why it was refused; empty if it was done."""
        try:
            service(order_id=order.pk, actor=str(request.user), now=now())
        except DomainError as error:
            return str(error.text)
        self.log_change(request, order, done)
        return ""

    def has_fulfil_many_permission(self, request: HttpRequest) -> bool:
        """Those who may fulfil."""
        return request.user.has_perm("orders.fulfil_order")

    def has_resend_many_permission(self, request: HttpRequest) -> bool:
        """Those who may send mails again."""
        return request.user.has_perm("orders.change_order")
