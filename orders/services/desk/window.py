"""More time to pay."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from orders.models import Order, OrderSession
from orders.services.recording import lock_by_id, record_note

LONGEST = timedelta(hours=24)
"""From now on. Stock is held as long."""


class WindowNotOpenError(DomainError):
    """The order is paid or closed, or its window has passed: a window that has ended does not begin again."""

    code, status = "WINDOW_NOT_OPEN", 409
    message = _("The payment window of this order has ended.")


class WindowTooLongError(DomainError):
    """Less than a minute, or an end more than `LONGEST` from now."""

    code, status = "WINDOW_TOO_LONG", 400
    message = _("A payment window can be extended by minutes, up to 24 hours from now.")


def is_open(order: Order, *, now: datetime) -> bool:
    """Whether the order can be given more time."""
    window: OrderSession | None = getattr(order, "session", None)
    if order.status != Order.Status.PENDING or window is None:
        return False
    return window.status == OrderSession.Status.ACTIVE and now < window.expires_at


@transaction.atomic
def extend_window(*, order_id: UUID, minutes: int, reason: str = "", actor: str, now: datetime) -> Order:
    """Gives a pending order so many minutes more. An open pay session keeps the end that billing was told.

    Raises:
        WindowNotOpenError, WindowTooLongError
    """
    order = lock_by_id(order_id)
    if not is_open(order, now=now):
        raise WindowNotOpenError
    window, before = order.session, order.session.expires_at
    if not 1 <= minutes <= LONGEST.total_seconds() / 60 or before + timedelta(minutes=minutes) > now + LONGEST:
        raise WindowTooLongError
    window.expires_at = before + timedelta(minutes=minutes)
    window.duration_minutes += minutes
    window.save(update_fields=["expires_at", "duration_minutes"])
    old, new = (end.isoformat(timespec="seconds") for end in (before, window.expires_at))
    record_note(order, "expires_at", new, old=old, actor=actor, reason=reason, now=now)
    return order
