"""The reminder of an abandoned checkout, and whether there is still reason to send it, decided when it is sent.

Anybody can type anybody's address, so it holds nothing that whoever left the checkout has written: names of products
and today's prices, and links that tell nobody's name or address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from checkout.models import CheckoutSession, ReminderAddress
from checkout.services.restoring import what_is_left
from checkout.tokens import restore_link, unsubscribe_link
from core import mail, mail_texts
from core.ids import new_id
from core.mail import Letter
from core.mail_texts import Editable, Text, filled, paragraphs, text_of
from core.models import Mail
from orders.letters import amount_text

REMINDER = "checkout.reminder"
AN_HOUR = 3
"""That an address gets one a week is decided before (`checkout.services.reminding`); this holds whatever happens."""
WORDS = {"shop": "the shop's name", "total": "what the goods cost now"}


def register_kinds() -> None:
    """Makes the mail known; called when the app is ready."""
    mail.register(REMINDER, reminder, an_hour=AN_HOUR)
    mail_texts.register(REMINDER, Editable("Abandoned checkout", ours, WORDS, sample))


def ours() -> Text:
    """What it says unless staff say otherwise."""
    return Text(
        _("Your cart at {shop}"),
        _("You asked us to remind you: these things are still in your cart. They are not set aside for you, "
          "and the prices are those of today.\n\nYou can go on where you stopped:"),
    )  # fmt: skip


def about(checkout: CheckoutSession, *, now: datetime) -> Mail:
    """The mail, to be stored in the transaction that takes the checkout. One a checkout."""
    return mail.written(
        kind=REMINDER,
        recipient=checkout.email,
        language=checkout.language or "en",
        context={"checkout": str(checkout.pk)},
        dedupe_key=f"{REMINDER} {checkout.pk}",
        now=now,
    )


def reminder(row: Mail, now: datetime) -> Letter | None:
    """The cart as it can be had now, with the link to it; nothing once the shopper has an order or wants no more."""
    lapsed = CheckoutSession.objects.lapsed().to(row.recipient).filter(pk=row.context["checkout"], recovered_at=None)
    checkout = lapsed.not_bought_since().first()
    address = ReminderAddress.objects.with_email(row.recipient).filter(unsubscribed_at=None).first()
    if checkout is None or address is None:
        return None
    items, _missing = what_is_left(checkout)
    if not items:
        return None
    text = text_of(REMINDER, row.language)
    return letter(row.recipient, text, items, restore_link(checkout.pk), unsubscribe_link(address.pk))


def letter(recipient: str, text: Text, items: Sequence[dict[str, Any]], link: str, unsubscribe: str) -> Letter:
    """The mail with the cart in it. Mail programs show their own button for its headers (RFC 8058)."""
    currency = settings.SHOP_CURRENCY
    amounts = [Decimal(line["lineTotal"]) for line in items]
    values = {"shop": settings.SHOP_NAME, "total": amount_text(sum(amounts, Decimal(0)), currency)}
    lines = [
        (line["quantity"], line["name"], amount_text(amount, currency))
        for line, amount in zip(items, amounts, strict=True)
    ]
    context = {
        "paragraphs": [filled(paragraph, values) for paragraph in paragraphs(text.body)],
        "lines": lines,
        "link": link,
        "link_text": _("Back to my cart"),
        "why": _("You get this mail because somebody, probably you, asked for a reminder when entering this address."),
        "unsubscribe": unsubscribe,
        "unsubscribe_text": _("No more reminders"),
    }
    headers = {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return Letter(recipient, filled(text.subject, values), "mail/cart", context, headers)


def sample(text: Text) -> Letter:
    """A mail about nobody's cart, to look at."""
    items = [
        {"quantity": 2, "name": _("A mug"), "lineTotal": "58"},
        {"quantity": 1, "name": _("A teapot"), "lineTotal": "34.50"},
    ]
    return letter("ada@example.com", text, items, restore_link(new_id()), unsubscribe_link(0))
