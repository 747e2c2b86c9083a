"""What staff want to hear nothing of for a while: a kind of alert. It is still found and kept."""

from __future__ import annotations

from datetime import datetime

from analytics.models import AlertKind, AlertMute
from customers.models import User


def mute(*, kind: AlertKind, until: datetime, user: User, now: datetime) -> AlertMute:
    """Mutes a kind until then. Whoever mutes last decides. `until` is later than `now`."""
    made = {"until": until, "muted_by": user, "muted_at": now}
    return AlertMute.objects.update_or_create(kind=kind, defaults=made)[0]


def unmute(*, kind: AlertKind) -> bool:
    """Ends the mute of a kind; whether there was one."""
    return AlertMute.objects.filter(kind=kind).delete()[0] > 0
