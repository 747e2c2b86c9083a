"""What a Checkout Session of Stripe says: what became of it, and of how much money, in Stripe's units."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from core.money import CURRENCIES, LARGEST
from orders.providers.contract import Report

Data = dict[str, Any]
AMOUNT = "footfall_amount"
PAID = ("paid", "no_payment_required")
FAILED_PAYMENT = ("requires_payment_method", "canceled")
WITHOUT_DIGITS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_DIGITS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Of these the last digit must be 0: an amount is rounded to whole tens when it is charged, and when it goes back."""


def report_of(data: Data) -> Report:
    """The report in a Checkout Session, which answers and webhooks share.

    Raises:
        one of NOT_AS_AGREED.
    """
    currency = str(data["currency"]).upper()
    if currency not in CURRENCIES:
        raise ValueError(data["currency"])
    return Report(status_of(data), amount_of(data, currency), currency, str(data.get("client_reference_id") or ""))


def status_of(data: Data) -> str:
    """What became of a session. A completed one may be paid days later, or never: its payment says which.

    Raises:
        KeyError, ValueError
    """
    if data["status"] in ("open", "expired"):
        return "open" if data["status"] == "open" else "timeout"
    if data["status"] != "complete":
        raise ValueError(data["status"])
    if data["payment_status"] in PAID:
        return "success"
    payment = data.get("payment_intent")
    return "failure" if isinstance(payment, dict) and payment.get("status") in FAILED_PAYMENT else "open"


def amount_of(data: Data, currency: str) -> Decimal:
    """What the session takes. Where Stripe had us round to tens, it is what we asked for, if it took just that.

    Raises:
        one of NOT_AS_AGREED.
    """
    units = data["amount_total"]
    if not isinstance(units, int) or not 0 <= units <= LARGEST.scaleb(3):
        raise ValueError(units)
    if currency in THREE_DIGITS:
        asked = Decimal(str((data.get("metadata") or {}).get(AMOUNT, "0")))
        if in_units(asked, currency) == units:
            return asked
    return Decimal(units).scaleb(-digits(currency))


def digits(currency: str) -> int:
    """Digits after the point as Stripe counts them: 2 for kronur too, which have none."""
    return 0 if currency in WITHOUT_DIGITS else 3 if currency in THREE_DIGITS else 2


def in_units(amount: Decimal, currency: str) -> int:
    """An amount in Stripe's smallest unit; in whole tens where it wants that.

    Raises:
        ValueError: Stripe has no unit as small as that.
        InvalidOperation: it is no amount.
    """
    if currency in THREE_DIGITS:
        amount = amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    units = amount.scaleb(digits(currency))
    if units != units.to_integral_value():
        raise ValueError(f"{amount} {currency}")
    return int(units)
