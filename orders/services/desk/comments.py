"""What staff note about an order, for each other."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from orders.models import OrderComment
from orders.services.recording import lock_by_id

LONGEST = 2000


class CommentMissingError(DomainError):
    """There is nothing in it, or too much."""

    code, status = "COMMENT_MISSING", 400
    message = _("Write a comment of 1 to 2,000 characters.")


@transaction.atomic
def comment(*, order_id: UUID, text: str, actor: str, now: datetime) -> OrderComment:
    """Adds a comment. It is never changed, and shown to staff alone.

    Raises:
        CommentMissingError
    """
    text = text.replace("\x00", "").strip()
    if not 0 < len(text) <= LONGEST:
        raise CommentMissingError
    # Under the lock: an erasing that goes on beside it must not overlook it.
    return OrderComment.objects.create(order=lock_by_id(order_id), text=text, actor=actor, created_at=now)
