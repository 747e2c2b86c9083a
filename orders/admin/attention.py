"""What staff decide about an order that needs attention: three actions, each asks for a reason and is sent by POST."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from core.admin import DialogForm, HistoryAdmin, action, ask, decided, record_page
from core.clock import now
from core.errors import DomainError
from orders.admin.looking import looked_at
from orders.models import Order, PaymentAttempt
from orders.services import accept_attention, dismiss_attention, refund_attention

LONGEST_REASON = 120


class ReasonForm(DialogForm):
    """Why; it stands in the order's history."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, label=_("Reason"), widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )


class AttentionActions(HistoryAdmin):
    """The actions of an order on the queue. What each does in words: the staff guide."""

    @action(
        description=_("Send money back"),
        icon="currency_exchange",
        variant=ActionVariant.WARNING,
        permissions=["decide"],
        dialog=ask(
            _("Send the money back?"),
            _("All that came for this order and does not count as its payment goes back through billing. "
              "This cannot be undone."),
            _("Send back"),
            ReasonForm,
        ),
    )  # fmt: skip
    def refund_money(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.decide(request, form, object_id, refund_attention, gettext("The money goes back."))

    @action(
        description=_("Accept money"),
        icon="check_circle",
        permissions=["accept"],
        dialog=ask(
            _("Accept the money as payment?"),
            _("The order becomes paid at its own total, whatever came. This cannot be undone."),
            _("Accept"),
            ReasonForm,
        ),
    )
    def accept_money(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.decide(request, form, object_id, accept_attention, gettext("The order is paid."))

    @action(
        description=_("Dismiss"),
        icon="visibility_off",
        permissions=["dismiss"],
        dialog=ask(
            _("Take this order off the list?"),
            _("Money stays where it is, and stock as it is. A refund that was asked for goes on."),
            _("Dismiss"),
            ReasonForm,
        ),
    )
    def dismiss(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.decide(request, form, object_id, dismiss_attention, gettext("The order is off the list."))

    def decide(
        self, request: HttpRequest, form: ReasonForm, object_id: str, service: Callable[..., Order], done: str
    ) -> HttpResponse:
        """The decision, with its reason."""
        reason = form.cleaned_data["reason"]
        return self.carry_out(request, object_id, partial(service, reason=reason), done)

    def carry_out(
        self, request: HttpRequest, object_id: str, service: Callable[..., object], done: str
    ) -> HttpResponse:
        """The decision, on a record of the admin, and back to the order."""
        page = record_page("orders_order", object_id)
        try:
            service(order_id=UUID(object_id), actor=str(request.user), now=now())
        except DomainError as error:
            return decided(self, request, str(error.text), page=page, level=messages.ERROR)
        # Why stands in the history, which is erased with the customer.
        self.log_change(request, looked_at(request, object_id), done)
        return decided(self, request, done, page=page)

    def has_decide_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether there is money to decide about, and this person may."""
        return any_undecided(on_the_queue(request, object_id))

    def has_accept_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The same, for an order that is not paid otherwise."""
        order = on_the_queue(request, object_id)
        return order is not None and order.status != Order.Status.SUCCESS and any_undecided(order)

    def has_dismiss_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether it is on the queue, and this person may."""
        return on_the_queue(request, object_id) is not None


def on_the_queue(request: HttpRequest, object_id: str) -> Order | None:
    """The order, if it needs attention and those who ask may give it."""
    if not request.user.has_perm("orders.resolve_order"):
        return None
    order = looked_at(request, object_id)
    return order if order is not None and order.needs_attention else None


def any_undecided(order: Order | None) -> bool:
    """Whether there is money of it that nobody has decided about."""
    return order is not None and PaymentAttempt.objects.filter(order_session__order=order).undecided().exists()
