"""Secrets that must be read again, such as those of the second factor: kept encrypted, so that a copy of the database
alone is worth nothing.

The keys come from `SECRET_KEY` and `SECRET_KEY_FALLBACKS`: what an older one sealed can be opened while that is a
fallback, and is sealed by the newest the next time it is written.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


class SealBrokenError(ValueError):
    """It was sealed with a key that is no longer in the settings, or was altered."""


def seal(text: str) -> str:
    """The text, encrypted and signed with the newest key."""
    return keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed.

    Raises:
        SealBrokenError
    """
    try:
        return keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBrokenError from error


def keys() -> MultiFernet:
    """The keys of now, the newest first."""
    return MultiFernet([key_of(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def key_of(secret: str) -> Fernet:
    """A key of its own kind: it is of no use for what else the secret signs."""
    digest = salted_hmac("customers.sealing", "", secret=secret, algorithm="sha256").digest()
    return Fernet(urlsafe_b64encode(digest))
