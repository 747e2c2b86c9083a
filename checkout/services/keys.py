"""Idempotency keys: the same request sent again is one order, whoever's session it comes by.

A request is the same when path, key and body are. The same key with another body is a mistake if the same shopper sent
it, and somebody else's business if not (docs/decisions/0010). Two unique constraints hold both, also in a race.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from checkout.models import IdempotencyKey
from checkout.services.opening import Owner
from core.errors import DomainError
from orders.models import Order

KEPT = timedelta(days=7)


class IdempotencyConflictError(DomainError):
    """The first request with this key is still running."""

    code, status = "IDEMPOTENCY_CONFLICT", 409
    message = _("This request is being handled already. Please wait a moment.")


class IdempotencyKeyReusedError(DomainError):
    """The key came before, with something else."""

    code, status = "IDEMPOTENCY_KEY_REUSED", 422
    message = _("This idempotency key was used for another request.")


@dataclass(frozen=True)
class Key:
    """An idempotency key with what it came with: to which path, by whom, with which body (its fingerprint)."""

    path: str
    value: str
    fingerprint: str
    owner: str


class KeyTakenError(Exception):
    """The key came before; what it brought is to be answered again."""

    def __init__(self, key: Key) -> None:
        super().__init__(key.value)
        self.key = key


def fingerprint(body: Any) -> str:
    """What tells two request bodies apart."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


def owner_name(owner: Owner) -> str:
    """Whose keys are one shopper's: the customer's if logged in, else the visit's."""
    return f"customer:{owner.customer_id.hex}" if owner.customer_id else owner_of_visit(owner.session_id)


def owner_of_visit(session_id: UUID) -> str:
    """Whose keys are those of a visit in which nobody is logged in."""
    return f"session:{session_id.hex}"


def claim(key: Key, *, order_id: UUID, now: datetime) -> None:
    """Takes the key for the order that this transaction will place; waits for another that is taking it.

    Raises:
        KeyTakenError: it was taken within the last 7 days.
    """
    while not take(key, order_id=order_id, now=now):
        if not forget_old(key, now=now):
            raise KeyTakenError(key)


def take(key: Key, *, order_id: UUID, now: datetime) -> bool:
    """Writes the key down; False if that is not possible beside those that are there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO checkout_idempotencykey (path, key, fingerprint, owner, order_id, created_at) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [key.path, key.value, key.fingerprint, key.owner, order_id, now],
        )
        return cursor.fetchone() is not None


def forget_old(key: Key, *, now: datetime) -> int:
    """Deletes what stands in the key's way and is older than 7 days; returns how many that were."""
    old = in_the_way(key).filter(created_at__lte=now - KEPT).order_by("id").select_for_update()
    return IdempotencyKey.objects.filter(id__in=list(old.values_list("id", flat=True))).delete()[0]


def in_the_way(key: Key) -> QuerySet[IdempotencyKey]:
    """The same request, and the same shopper's other request with this key: one of each at most."""
    return IdempotencyKey.objects.filter(
        Q(fingerprint=key.fingerprint) | Q(owner=key.owner), path=key.path, key=key.value
    )


def taken(key: Key, *, now: datetime) -> tuple[IdempotencyKey, Order]:
    """What came with this key before, and the order that it brought, its session beside it.

    Raises:
        IdempotencyKeyReusedError: another request did.
        IdempotencyConflictError: it is gone at this moment, by the job that removes old keys.
    """
    rows = list(in_the_way(key).filter(created_at__gt=now - KEPT).select_related("order__session"))
    same = next((row for row in rows if row.fingerprint == key.fingerprint), None)
    if same is not None and same.order is not None:
        return same, same.order
    raise IdempotencyKeyReusedError if rows and same is None else IdempotencyConflictError


# Nobody waits for the disk here: an answer that a power cut takes is made again from the order (`recall`).
REMEMBER = """
UPDATE checkout_idempotencykey SET status = %(status)s, answer = %(answer)s::jsonb
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS without_waiting
WHERE order_id = %(order)s AND status IS NULL
"""


def remember_answer(order: Order, *, status: int, answer: dict[str, Any]) -> None:
    """Keeps the first answer with its key. It must not hold the order's token, which is stored hashed only."""
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER, {"status": status, "answer": json.dumps(answer), "order": order.id})
