"""The secret of a day, from which ids of visitors without consent are made."""

import hashlib
import secrets
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from sessions_app.models import VisitorSalt

KEPT = timedelta(hours=48)


def daily_visitor_id(*, ip: str, user_agent: str, day: date) -> UUID:
    """An id that holds for one UTC day: a keyed hash of address and user agent under that day's salt."""
    text = f"{ip}\n{user_agent}".encode("utf-8", "replace")
    return UUID(bytes=hashlib.blake2b(text, key=salt_of(day), digest_size=16).digest())


@lru_cache(maxsize=2)
def salt_of(day: date) -> bytes:
    """The salt of a UTC day, made by whoever needs it first."""
    row, _made = VisitorSalt.objects.get_or_create(day=day, defaults={"salt": secrets.token_bytes(32)})
    return bytes(row.salt)


def destroy_old(*, now: datetime) -> int:
    """Destroys the salts of days that ended 48 hours ago; nothing can then be traced back any more."""
    last = (now - KEPT).astimezone(UTC).date()
    destroyed, _by_model = VisitorSalt.objects.filter(day__lt=last).delete()
    return destroyed
