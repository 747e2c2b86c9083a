"""Tokens for staff's own programs: made, used, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, InvalidInputError
from customers.models import ApiToken, User

PREFIX = "ff_"
"""So that scanners of source code know a token that got there."""
LONGEST = timedelta(days=366)
NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use is known: a write each minute at most."""


class TokenRefusedError(DomainError):
    """No such token; or it expired, was revoked, or its owner is no longer staff. Which of these is not told."""

    code, status = "INVALID_CREDENTIALS", 401
    message = _("This token is not valid.")


class TokenLifeError(InvalidInputError):
    """A token that would live too long, or not at all."""

    message = _("A token lives until a day of the coming year.")


def create_token(
    *, user: User, name: str, scopes: Sequence[str], expires_at: datetime, now: datetime
) -> tuple[ApiToken, str]:
    """A new token and its text, which is nowhere kept: whoever loses it makes another.

    Raises:
        TokenLifeError
    """
    if not now < expires_at <= now + LONGEST:
        raise TokenLifeError(details={"expiresAt": [str(TokenLifeError.message)]})
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(user=user, name=name, begins=text[:8], scopes=list(scopes), expires_at=expires_at)
    token.token_hash = hash_of(text)
    token.save(force_insert=True)
    return token, text


def use_token(*, text: str, now: datetime) -> ApiToken:
    """The token of that text, with its owner.

    Raises:
        TokenRefusedError
    """
    found = ApiToken.objects.select_related("user").filter(token_hash=hash_of(text)).first()
    if found is None or found.revoked_at or found.expires_at <= now:
        raise TokenRefusedError
    if not (found.user.is_active and found.user.is_staff):
        raise TokenRefusedError
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
    if found.last_used_at is None or found.last_used_at < now - NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found


def revoke_token(*, token: ApiToken, now: datetime) -> None:
    """Ends a token at once. One that was ended keeps its time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    token.refresh_from_db(fields=["revoked_at"])


def hash_of(text: str) -> str:
    """What is kept of a token. It is random and long, so that nothing slower is needed."""
    return hashlib.sha256(text.encode()).hexdigest()
