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


# A process holds the salt of one day: that of a new day drives out the one before, long before it is destroyed, if
# anybody comes that day (docs/privacy.md).
@lru_cache(maxsize=1)
def salt_of(day: date) -> bytes:
    """The salt of a UTC day, made by whoever needs it first."""
    row, _made = VisitorSalt.objects.get_or_create(day=day, defaults={"salt": secrets.token_bytes(32)})
    return bytes(row.salt)


def destroy_old(*, now: datetime) -> int:
    """Destroys the salts of days that began 48 hours ago, so none was in use for a day; returns how many.

    Which visits of such a day were whose cannot be told from an address and a user agent any more.
    """
    salt_of.cache_clear()
    last = (now - KEPT).astimezone(UTC).date()
    destroyed, _by_model = VisitorSalt.objects.filter(day__lte=last).delete()
    return destroyed
