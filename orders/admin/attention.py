"""What staff decide about an order that needs attention: three actions, each asks for a reason and is sent by POST."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from core.admin import HistoryAdmin, action, as_uuid
from core.clock import now
from core.errors import DomainError
from orders.models import Order, OrderQuerySet, PaymentAttempt
from orders.services import accept_attention, dismiss_attention, refund_attention

if TYPE_CHECKING:  # unfold carries no types; what it extends does
    DialogForm = forms.Form
else:
    from unfold.forms import BaseDialogForm as DialogForm

LONGEST_REASON = 120


class ReasonForm(DialogForm):
    """Why; it stands in the order's history."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, label=_("Reason"), widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )


def ask(title: Any, description: Any, submit: Any) -> dict[str, Any]:
    """The dialog before a decision."""
    return {"title": title, "description": description, "form_class": ReasonForm, "form_submit_text": submit}


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
        ),
    )
    def dismiss(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.decide(request, form, object_id, dismiss_attention, gettext("The order is off the list."))

    def decide(
        self, request: HttpRequest, form: ReasonForm, object_id: str, service: Callable[..., Order], done: str
    ) -> HttpResponse:
        """Runs on a POST alone: unfold shows the dialog on a GET, and its form carries the CSRF token."""
        try:
            reason = form.cleaned_data["reason"]
            order = service(order_id=UUID(object_id), reason=reason, actor=str(request.user), now=now())
        except DomainError as error:
            self.message_user(request, str(error.text), messages.ERROR)
        else:
            self.log_change(request, order, done)  # why stands in the history, which is erased with the customer
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:orders_order_change", args=[object_id])})

    def has_decide_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether there is money to decide about, and this person may."""
        return may_resolve(request) and any_undecided(Order.objects.needing_attention(), object_id)

    def has_accept_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The same, for an order that is not paid otherwise."""
        unpaid = Order.objects.needing_attention().exclude(status=Order.Status.SUCCESS)
        return may_resolve(request) and any_undecided(unpaid, object_id)

    def has_dismiss_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether it is on the queue, and this person may."""
        key = as_uuid(object_id)
        return may_resolve(request) and key is not None and Order.objects.needing_attention().filter(pk=key).exists()


def may_resolve(request: HttpRequest) -> bool:
    """Those to whom somebody gave it."""
    return request.user.has_perm("orders.resolve_order")


def any_undecided(orders: OrderQuerySet, object_id: str) -> bool:
    """Whether it is one of these orders, with money that nobody has decided about."""
    key = as_uuid(object_id)
    if key is None:
        return False
    return PaymentAttempt.objects.filter(order_session__order__in=orders.filter(pk=key)).undecided().exists()
