"""Every change of a pay session. The row is locked first, so of two that race exactly one wins."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing_sandbox import webhooks
from billing_sandbox.contract import Opening
from billing_sandbox.models import PaySession, Refund
from billing_sandbox.refusals import AlreadyPaid, KeyReused, NotPaid, RefundTooLarge, UnknownSession

Status = PaySession.Status


def find_opened(*, key: str | None, digest: str) -> PaySession | None:
    """The session that this key opened, however long ago; none if it has not been used.

    Raises:
        KeyReused: the key opened a session with another body.
    """
    session = PaySession.objects.filter(idempotency_key=key).first() if key else None
    if session and session.request_digest != digest:
        raise KeyReused
    return session


def open_session(*, opening: Opening, key: str | None, digest: str) -> PaySession:
    """Opens a session. Of two at once with the same key one opens it and the other gets it.

    Raises:
        KeyReused: the key opened a session with another body.
    """
    values = asdict(opening) | {"request_digest": digest}
    if key is None:
        return PaySession.objects.create(**values)
    session, _ = PaySession.objects.get_or_create(idempotency_key=key, defaults=values)
    if session.request_digest != digest:
        raise KeyReused
    return session


def look(*, checkout_id: UUID, now: datetime) -> PaySession:
    """The session as it is now: one whose time has passed becomes a timeout here.

    Raises:
        UnknownSession: no such session.
    """
    session = PaySession.objects.filter(pk=checkout_id).first()
    if session is None:
        raise UnknownSession
    return settle(checkout_id=checkout_id, outcome=Status.TIMEOUT, now=now) if session.is_due(now) else session


def settle(*, checkout_id: UUID, outcome: PaySession.Status, now: datetime) -> PaySession:
    """Settles an open session; one that is settled already stays as it is: see `status` for what came of it.

    After `expires_at` the outcome is a timeout, whatever was asked.

    Raises:
        UnknownSession: no such session.
    """
    with transaction.atomic():
        session = PaySession.objects.select_for_update().filter(pk=checkout_id).first()
        if session is None:
            raise UnknownSession
        if session.is_open:
            close(session, outcome=Status.TIMEOUT if session.is_due(now) else outcome, now=now)
    return session


def close(session: PaySession, *, outcome: PaySession.Status, now: datetime) -> None:
    """Writes the outcome on a locked, open session and announces it."""
    session.status, session.settled_at = outcome, now
    session.paid_at = now if outcome == Status.SUCCESS else None
    session.save(update_fields=["status", "settled_at", "paid_at"])
    webhooks.announce(session)


def cancel(*, checkout_id: UUID, now: datetime) -> PaySession:
    """Closes an open session as a timeout. A declined session stays a failure; cancelling twice is harmless.

    Raises:
        UnknownSession: no such session.
        AlreadyPaid: the payer was faster.
    """
    session = settle(checkout_id=checkout_id, outcome=Status.TIMEOUT, now=now)
    if session.status == Status.SUCCESS:
        raise AlreadyPaid
    return session


def refund(*, checkout_id: UUID, amount: str, key: str | None, digest: str) -> PaySession:
    """Gives back part or all of what was paid; the same key does it once.

    Raises:
        UnknownSession: no such session.
        NotPaid: there is nothing to give back.
        RefundTooLarge: all refunds together would be more than was paid.
        KeyReused: the key made a refund of this session with another body.
    """
    with transaction.atomic():
        session = PaySession.objects.select_for_update().filter(pk=checkout_id).first()
        if session is None:
            raise UnknownSession
        earlier = session.refunds.filter(idempotency_key=key).first() if key else None
        if earlier is None:
            make_refund(session, amount=amount, key=key, digest=digest)
        elif earlier.request_digest != digest:
            raise KeyReused
    return session


def make_refund(session: PaySession, *, amount: str, key: str | None, digest: str) -> Refund:
    """Writes a refund on a locked session."""
    if session.status != Status.SUCCESS:
        raise NotPaid
    if session.refunded() + Decimal(amount) > Decimal(session.amount):
        raise RefundTooLarge
    return session.refunds.create(amount=amount, idempotency_key=key, request_digest=digest)
