"""Tokens of links that hold for a while: by the shop's clock, wherever they are made and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing

from core.clock import now


class TimedSigner(signing.TimestampSigner):
    """Django's, by the shop's clock. It is for tokens of one `salt` each."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(now().timestamp()))

    def unsign(self, value: str, max_age: float | timedelta | None = None) -> str:
        """The value, if it was signed not more than `max_age` (seconds) ago.

        Raises:
            BadSignature, SignatureExpired
        """
        text, _separator, stamp = signing.Signer.unsign(self, value).rpartition(self.sep)
        seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
        age = now().timestamp() - signing.b62_decode(stamp)
        if seconds is not None and age > seconds:
            raise signing.SignatureExpired(f"Signature age {age} > {seconds} seconds")
        return text


def sign_claims(claims: dict[str, Any], *, salt: str) -> str:
    """A token that says this."""
    return TimedSigner(salt=salt).sign_object(claims)


def claims_signed(token: str, *, salt: str, life: timedelta) -> dict[str, Any]:
    """What a token says that was made for this purpose.

    Raises:
        BadSignature, SignatureExpired
    """
    claims: dict[str, Any] = TimedSigner(salt=salt).unsign_object(token, max_age=life)
    return claims
