"""What staff fill in before they send, refund or extend an order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core.admin import DialogForm
from core.money import money_text, round_money
from orders.admin.attention import LONGEST_REASON, ReasonForm
from orders.admin.looking import looked_at
from orders.models import Order
from orders.services import Parcel
from orders.services.desk import refundable
from orders.services.desk.fulfilment import parcel_of

WHOLE, AMOUNT, PIECES = "whole", "amount", "pieces"


def plain() -> UnfoldAdminTextInputWidget:
    """A line of text that browsers do not fill in."""
    return UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})


class OptionalReasonForm(DialogForm):
    """Why, for whoever wants to say so."""

    reason = forms.CharField(max_length=LONGEST_REASON, label=_("Reason"), required=False, widget=plain())


class ShipForm(DialogForm):
    """How the parcel can be followed, as far as it can."""

    carrier = forms.CharField(max_length=60, label=_("Carrier"), required=False, widget=plain())
    tracking_number = forms.CharField(max_length=100, label=_("Tracking number"), required=False, widget=plain())
    tracking_url = forms.URLField(
        max_length=500,
        label=_("Tracking page"),
        required=False,
        widget=plain(),
        assume_scheme="https",
        validators=[URLValidator(schemes=["http", "https"])],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order = order_of(self)
        for name in ("carrier", "tracking_number", "tracking_url"):
            self.fields[name].initial = getattr(parcel_of(order), name) if order else ""

    def parcel(self) -> Parcel:
        """What was filled in."""
        given = self.cleaned_data
        return Parcel(given["carrier"], given["tracking_number"], given["tracking_url"])


class ExtendForm(OptionalReasonForm):
    """So many minutes more."""

    minutes = forms.IntegerField(
        label=_("Minutes more"), min_value=1, max_value=1440, initial=15, widget=UnfoldAdminIntegerFieldWidget()
    )
    field_order = ("minutes", "reason")


class RefundForm(ReasonForm):
    """All that is left, an amount, or pieces of the order's lines."""

    what = forms.ChoiceField(label=_("What goes back"), initial=WHOLE, widget=UnfoldAdminRadioSelectWidget())
    amount = forms.DecimalField(label=_("Amount"), required=False, widget=plain())
    to_stock = forms.BooleanField(
        label=_("Put the pieces back in stock"), required=False, widget=UnfoldBooleanSwitchWidget()
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order = order_of(self)
        if order is None:
            return
        self.order = order
        left = money_text(refundable(order), order.currency)
        choice: Any = self.fields["what"]
        choice.choices = [
            (WHOLE, gettext("All that is left: %s") % left),
            (AMOUNT, gettext("An amount")),
            (PIECES, gettext("Pieces, at what was paid for them")),
        ]
        for line in order.items.all():
            self.fields[f"line_{line.pk}"] = pieces_field(f"{line.name} (× {line.quantity})", line.quantity)
        self.order_fields(["what", "amount", *self.line_names(), "to_stock", "reason"])

    def line_names(self) -> list[str]:
        """The fields of the lines."""
        return [name for name in self.fields if name.startswith("line_")]

    def clean(self) -> dict[str, Any]:
        """What was chosen, and only that, is filled in.

        Raises:
            ValidationError
        """
        given: dict[str, Any] = super().clean() or self.cleaned_data
        chosen, amount, pieces = given.get("what"), given.get("amount"), self.pieces()
        if chosen == AMOUNT and amount is None:
            self.add_error("amount", gettext("Say how much."))
        if chosen == PIECES and not pieces:
            self.add_error("what", gettext("Say how many of which line."))
        if (chosen != AMOUNT and amount is not None) or (chosen == WHOLE and pieces):
            self.add_error("what", gettext("This is not what is filled in below."))
        if chosen == AMOUNT and given.get("to_stock") and not pieces:
            self.add_error("to_stock", gettext("Say which pieces."))
        return given

    def pieces(self) -> dict[int, int]:
        """How many of which line."""
        found = {name: self.cleaned_data.get(name) for name in self.line_names()}
        return {int(name.removeprefix("line_")): number for name, number in found.items() if number}

    def wanted(self) -> dict[str, Any]:
        """What `refund_order` is to be told."""
        amount: Decimal | None = self.cleaned_data["amount"]
        return {
            "amount": amount if amount is None else exact(amount, self.order),
            "pieces": self.pieces() or None,
            "to_stock": self.cleaned_data["to_stock"],
            "reason": self.cleaned_data["reason"],
        }


def pieces_field(label: str, most: int) -> forms.IntegerField:
    """How many of a line."""
    return forms.IntegerField(
        label=label, min_value=0, max_value=most, required=False, widget=UnfoldAdminIntegerFieldWidget()
    )


def exact(amount: Decimal, order: Order) -> Decimal:
    """`5` as `5.00`; an amount that has too many decimals stays as it is, to be refused."""
    rounded = round_money(amount, order.currency)
    return rounded if rounded == amount else amount


def order_of(form: DialogForm) -> Order | None:
    """The order that the dialog is about."""
    dialog: Any = form  # unfold carries no types
    return looked_at(dialog.request, str(dialog.object_id))
