"""The signed value by which a visitor session (or a visitor) is known again."""

from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

SESSION_COOKIE = settings.COOKIE_PREFIX + "visitor_session"
VISITOR_COOKIE = settings.COOKIE_PREFIX + "visitor_id"
CONSENT_COOKIE = settings.COOKIE_PREFIX + "visitor_consent"
VISITOR_COOKIE_SECONDS = 30 * 24 * 60 * 60
LONGEST = 200


def sign(value: UUID, *, purpose: str) -> str:
    """A token for the id; `purpose` keeps a session's from passing as a visitor's."""
    return Signer(salt=f"footfall.{purpose}").sign(value.hex)


def unsign(token: str, *, purpose: str) -> UUID | None:
    """The id of a token; None for a forged, damaged or foreign one: it is treated as none, never as an error."""
    if not token or len(token) > LONGEST:
        return None
    return _unsign(token, purpose, settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8192)
def _unsign(token: str, purpose: str, key: str, fallbacks: tuple[str, ...]) -> UUID | None:
    """The same token comes with every request of a visit."""
    try:
        return UUID(hex=Signer(key=key, fallback_keys=list(fallbacks), salt=f"footfall.{purpose}").unsign(token))
    except (BadSignature, ValueError):
        return None
