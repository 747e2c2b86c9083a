"""The worker without one thing that protects it, named by CARELESS: the tests of these promises must notice.
`celery -A tests.promises.careless`.
"""

import inspect
import os
from typing import Any

import django

from tests.promises.attentive import app

django.setup()

from orders.models import Order, PaymentAttempt  # noqa: E402 - Django must be set up
from orders.services import polling, refunds, settling  # noqa: E402

__all__ = ["app"]


def replace(place: Any, name: str, by: Any) -> None:
    """What is there is no more."""
    setattr(place, name, by)


def poll_without_claim() -> None:
    """Whoever comes meanwhile asks as well."""

    def take(self: polling.Claims) -> list[PaymentAttempt]:
        taken = PaymentAttempt.objects.filter(next_poll_at__lte=self.now) if self.left else ()
        self.left = 0
        return list(taken)

    replace(polling.Claims, "take", take)


def claim_for_ever() -> None:
    """What a dead worker had taken nobody else takes."""
    claim = "UPDATE orders_refund SET next_try_at = '2999-01-01' WHERE next_try_at <= %(now)s RETURNING id"
    replace(refunds, "CLAIM", claim)


def settle_bit_by_bit() -> None:
    """Outside any transaction, and without the order's lock."""
    replace(polling, "settle_attempt", inspect.unwrap(settling.settle_attempt))
    replace(settling, "lock_order", Order.objects.select_related("session").get)


def end_when_refused() -> None:
    """By a broker that takes nothing."""
    app.conf.broker_channel_error_retry = False


globals()[os.environ["CARELESS"]]()
