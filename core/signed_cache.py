"""What the cache keeps, so that reading it runs nobody else's code.

Cached answers hold dates, amounts and rows, which pickle keeps as they are; but whoever writes a pickle says what runs
when it is read. So each is signed with SECRET_KEY: one who reaches Redis and has no key can only make the shop forget.
"""

from __future__ import annotations

import hashlib
import hmac
import pickle
from typing import Any

from django.conf import settings
from django_redis.exceptions import ConnectionInterrupted
from django_redis.serializers.base import BaseSerializer

SALT = b"footfall.cache"


class ForgedEntryError(Exception):
    """An entry that this shop has not written, or wrote with another key."""


class SignedPickle(BaseSerializer):
    """django-redis's SERIALIZER."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.key = hmac.digest(settings.SECRET_KEY.encode(), SALT, "sha256")

    def dumps(self, value: Any) -> bytes:
        """The signature, then the value."""
        pickled = pickle.dumps(value)
        return self.signature(pickled) + pickled

    def loads(self, value: bytes) -> Any:
        """The value.

        Raises:
            ConnectionInterrupted: it is not ours. To the cache that is as if Redis were away: there is no such entry.
        """
        size = hashlib.sha256().digest_size
        if not hmac.compare_digest(self.signature(value[size:]), value[:size]):
            raise ConnectionInterrupted(None) from ForgedEntryError()
        return pickle.loads(value[size:])  # noqa: S301 - we have written it

    def signature(self, pickled: bytes) -> bytes:
        return hmac.digest(self.key, pickled, "sha256")
