"""Shoppers who leave before they have bought, and the mails that follow them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core import mail as django_mail

from checkout.models import CheckoutSession
from checkout.services.idle import expire_idle
from checkout.services.reminding import send_abandoned_checkout_reminders
from core import mail
from core.clock import now
from tests.factories import ADDRESS
from tests.world import Shopper, World

HOUR = timedelta(hours=1)


def ship(shopper: Shopper, checkout_id: str, **more: Any) -> Any:
    """The step in which a shopper may ask to be reminded."""
    return shopper.post("/checkout/calculate-shipping", {"checkoutId": checkout_id, "shippingAddress": ADDRESS} | more)


def leave(shopper: Shopper, world: World, *, pieces: int = 2, coupon: str = "", **wish: Any) -> CheckoutSession:
    """A checkout of mugs with the wish to be reminded, left long enough to be timed out."""
    checkout_id = shopper.checkout((world.mug, pieces))
    if coupon:
        assert shopper.apply(checkout_id, coupon).status_code == 200
    answer = ship(shopper, checkout_id, **({"remindMe": True, "email": shopper.email} | wish))
    assert answer.status_code == 200, answer.json()
    expire_idle(now=now() + HOUR / 2)
    return CheckoutSession.objects.get(pk=checkout_id)


def remind(*, after: timedelta = 2 * HOUR) -> int:
    """The job, so long after now; how many mails it wrote."""
    return send_abandoned_checkout_reminders(now=now() + after)


def sent(*, at: datetime | None = None) -> list[Any]:
    """Sends what waits; all mails so far."""
    mail.send_due(now=at or now() + 2 * HOUR)
    return list(django_mail.outbox)
