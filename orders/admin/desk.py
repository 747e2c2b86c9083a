"""What staff do with an order: buttons of its page, each a dialog that is sent by POST, offered where it can work."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from core.admin import action, ask
from core.clock import now
from orders.admin.attention import AttentionActions, ReasonForm
from orders.admin.desk_forms import ExtendForm, OptionalReasonForm, RefundForm, ShipForm
from orders.admin.looking import looked_at
from orders.models import Order
from orders.services import cancel_order, extend_window, fulfil, poll_order, refund_order, resend_mail
from orders.services.asking import Round
from orders.services.desk import fitting, is_open, may_become, refundable

Fulfillment = Order.Fulfillment


class DeskActions(AttentionActions):
    """The actions of an order. What each does in words: the staff guide."""

    @action(
        description=_("Mark as processing"),
        icon="package_2",
        variant=ActionVariant.PRIMARY,
        permissions=["process"],
        dialog=ask(_("Is this order being packed?"), "", _("Mark as processing"), OptionalReasonForm),
    )
    def process(self, request: HttpRequest, form: OptionalReasonForm, object_id: str) -> HttpResponse:
        return self.move(request, form, object_id, Fulfillment.PROCESSING, gettext("The order is being processed."))

    @action(
        description=_("Mark as shipped"),
        icon="local_shipping",
        variant=ActionVariant.PRIMARY,
        permissions=["ship"],
        dialog=ask(
            _("How is it sent?"), _("The customer is told, with what you fill in."), _("Mark as shipped"), ShipForm
        ),
    )
    def ship(self, request: HttpRequest, form: ShipForm, object_id: str) -> HttpResponse:
        service = partial(fulfil, status=Fulfillment.SHIPPED, parcel=form.parcel())
        return self.carry_out(request, object_id, service, gettext("The order is shipped, and the customer is told."))

    @action(
        description=_("Correct tracking"),
        icon="edit_location_alt",
        permissions=["track"],
        dialog=ask(
            _("How can the parcel be followed?"), _("The customer is told anew."), _("Correct"), ShipForm
        ),
    )  # fmt: skip
    def track(self, request: HttpRequest, form: ShipForm, object_id: str) -> HttpResponse:
        service = partial(fulfil, status=Fulfillment.SHIPPED, parcel=form.parcel())
        return self.carry_out(request, object_id, service, gettext("The tracking is corrected."))

    @action(
        description=_("Mark as delivered"),
        icon="check_circle",
        variant=ActionVariant.PRIMARY,
        permissions=["deliver"],
        dialog=ask(_("Has it arrived?"), "", _("Mark as delivered"), OptionalReasonForm),
    )
    def deliver(self, request: HttpRequest, form: OptionalReasonForm, object_id: str) -> HttpResponse:
        return self.move(request, form, object_id, Fulfillment.DELIVERED, gettext("The order is delivered."))

    @action(
        description=_("Do not send"),
        icon="remove_shopping_cart",
        variant=ActionVariant.WARNING,
        permissions=["withhold"],
        dialog=ask(
            _("Shall this paid order not be sent?"),
            _("It cannot be sent afterwards. Its money and its pieces stay where they are until you refund them."),
            _("Do not send"),
            ReasonForm,
        ),
    )
    def withhold(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.move(request, form, object_id, Fulfillment.CANCELED, gettext("The order is not sent."))

    @action(
        description=_("Refund"),
        icon="currency_exchange",
        variant=ActionVariant.WARNING,
        permissions=["refund"],
        dialog=ask(
            _("Send money back?"),
            _("It goes back through billing the way it came. This cannot be undone."),
            _("Refund"),
            RefundForm,
        ),
    )
    def refund(self, request: HttpRequest, form: RefundForm, object_id: str) -> HttpResponse:
        service = partial(refund_order, staff_id=request.user.pk, **form.wanted())
        return self.carry_out(request, object_id, service, gettext("The money goes back."))

    @action(
        description=_("Give more time"),
        icon="more_time",
        permissions=["extend"],
        dialog=ask(
            _("Give more time to pay?"),
            _("Stock is held until then. A payment page that is open already keeps its own end."),
            _("Give more time"),
            ExtendForm,
        ),
    )
    def extend(self, request: HttpRequest, form: ExtendForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        service = partial(extend_window, minutes=given["minutes"], reason=given["reason"])
        return self.carry_out(request, object_id, service, gettext("There is more time to pay."))

    @action(
        description=_("Ask billing"),
        icon="sync",
        permissions=["poll"],
        dialog=ask(
            _("Ask billing now?"), _("What billing says of the open payment counts at once."), _("Ask")
        ),
    )  # fmt: skip
    def poll(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        answers: list[Round] = []

        def service(**who: Any) -> None:
            answers.append(poll_order(**who))

        answer = self.carry_out(request, object_id, service, gettext("Billing was asked."))
        self.message_user(request, told(answers[0]), messages.WARNING if answers[0].errors else messages.INFO)
        return answer

    @action(
        description=_("Send mail again"),
        icon="forward_to_inbox",
        permissions=["resend"],
        dialog=ask(
            _("Send the customer the mail again?"),
            _("The one that fits the order now: where to pay, or that it is paid, on its way, expired or failed."),
            _("Send again"),
        ),
    )
    def resend(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.carry_out(request, object_id, resend_mail, gettext("The mail is on its way."))

    @action(
        description=_("Cancel order"),
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["cancel"],
        dialog=ask(
            _("Cancel this order?"),
            _("Stock and coupon go back, and the shopper can no longer pay. This cannot be undone."),
            _("Cancel order"),
        ),
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self.carry_out(request, object_id, cancel_order, gettext("The order is cancelled."))

    def move(
        self, request: HttpRequest, form: OptionalReasonForm | ReasonForm, object_id: str, status: str, done: str
    ) -> HttpResponse:
        """A step of the fulfilment that needs nothing but a reason."""
        service = partial(fulfil, status=status, reason=form.cleaned_data["reason"])
        return self.carry_out(request, object_id, service, done)

    # Whether to offer it: to those who may, where it can work.

    def has_process_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return may_move(request, object_id, Fulfillment.PROCESSING)

    def has_ship_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return may_move(request, object_id, Fulfillment.SHIPPED) and not is_shipped(request, object_id)

    def has_track_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return may_move(request, object_id, Fulfillment.SHIPPED) and is_shipped(request, object_id)

    def has_deliver_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return may_move(request, object_id, Fulfillment.DELIVERED)

    def has_withhold_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return may_move(request, object_id, Fulfillment.CANCELED)

    def has_refund_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        order = open_to(request, object_id, "refund_order")
        return order is not None and refundable(order) > 0

    def has_extend_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        order = open_to(request, object_id, "change_order")
        return order is not None and is_open(order, now=now())

    def has_poll_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        order = open_to(request, object_id, "change_order")
        window = getattr(order, "session", None)
        return window is not None and any(attempt.next_poll_at for attempt in window.attempts.all())

    def has_resend_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        order = open_to(request, object_id, "change_order")
        return order is not None and bool(fitting(order, now=now()))

    def has_cancel_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        order = open_to(request, object_id, "change_order")
        return order is not None and order.status == Order.Status.PENDING


def open_to(request: HttpRequest, object_id: str, permission: str) -> Order | None:
    """The order, for those who have the permission."""
    return looked_at(request, object_id) if request.user.has_perm(f"orders.{permission}") else None


def may_move(request: HttpRequest, object_id: str, status: str) -> bool:
    """Whether that is a next step, for those who may take it."""
    order = open_to(request, object_id, "fulfil_order")
    return order is not None and may_become(order, status)


def is_shipped(request: HttpRequest, object_id: str) -> bool:
    """Whether it is on its way."""
    order = looked_at(request, object_id)
    return order is not None and order.fulfillment_status == Fulfillment.SHIPPED


def told(answer: Round) -> str:
    """What billing said, for whoever asked."""
    if answer.errors:
        return gettext("Billing gave no answer that counts: %s.") % ", ".join(answer.errors)
    if answer.changed:
        return ngettext("%d payment is settled.", "%d payments are settled.", answer.changed) % answer.changed
    return gettext("Nothing is new.")
