"""Mails: a row in the transaction of what they tell, sent by a job. No request waits for a mail server.

Whoever has something to say registers a kind of mail and queues it. The kind's builder runs when the mail is sent, in
the recipient's language: it says what stands in it, makes the tokens of its links (none is stored), or finds that there
is nothing to say any more.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.mime.image import MIMEImage
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import override

from core import logs
from core.models import Mail

log = logging.getLogger(__name__)
LIFE = timedelta(days=3)
"""So long a mail is tried, unless its kind says less."""
LEASE = timedelta(seconds=110)
"""Longer than a round of `MOST` mails takes: what a sender that died had taken is sent after this, in two minutes."""
MOST = 20
SERVER_AWAY = timedelta(seconds=15)
ONE_MAILS_OWN = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError, ValueError)
"""Refusals of one mail. After any other failure the next one would wait for the same server as long."""

CLAIM = """
UPDATE core_mail SET next_attempt_at = %(lease)s, attempts = attempts + 1
WHERE id = ANY(ARRAY(SELECT id FROM core_mail WHERE next_attempt_at <= %(now)s
                     ORDER BY next_attempt_at FOR UPDATE SKIP LOCKED LIMIT 1))
RETURNING id
"""


@dataclass(frozen=True)
class Picture:
    """A PNG that is sent with a mail and stands in its HTML: `<img src="cid:{{ picture.cid }}">`.

    Some mail programs keep pictures by their names: other pixels are another name.
    """

    name: str
    png: bytes

    @property
    def cid(self) -> str:
        """What the mail calls it (RFC 2392)."""
        return f"{self.name}@{host()}"


@dataclass(frozen=True)
class Letter:
    """What stands in a mail. `template` is rendered as text (`.txt`) and, if there is one, as HTML (`.html`)."""

    recipient: str
    subject: str | Promise
    template: str = "mail/letter"
    context: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()


class Message(EmailMultiAlternatives):
    """A mail as it goes out. What is attached stands in its text, so that no mail program lists it beside."""

    mixed_subtype = "related"


Builder = Callable[[Mail, datetime], Letter | None]


@dataclass(frozen=True)
class Kind:
    """A kind of mail: its builder, for how long it is worth sending, and how many an address gets in an hour."""

    build: Builder
    life: timedelta = LIFE
    an_hour: int | None = None


kinds: dict[str, Kind] = {}


class UnknownKindError(LookupError):
    """Nobody has registered this kind of mail."""


def register(name: str, build: Builder, *, life: timedelta = LIFE, an_hour: int | None = None) -> None:
    """Makes a kind of mail known; called when the app is ready."""
    kinds[name] = Kind(build, life, an_hour)


def written(
    *,
    kind: str,
    recipient: str,
    language: str,
    now: datetime,
    context: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> Mail:
    """A mail to be sent, as a row that is not stored yet.

    A context that names the `user` whom the mail is about lets it be found when that account is erased, whatever
    address it went to.

    Raises:
        UnknownKindError: a mistake in our code.
    """
    if kind not in kinds:
        raise UnknownKindError(kind)
    return Mail(
        kind=kind, recipient=recipient, language=language, context=dict(context or {}), dedupe_key=dedupe_key,
        created_at=now, next_attempt_at=now,
    )  # fmt: skip


def queue(**fields: Any) -> None:
    """Writes a mail to be sent (`written`), in the caller's transaction. A second one with its `dedupe_key` is none.

    Raises:
        UnknownKindError: a mistake in our code.
    """
    queue_all([written(**fields)])


def queue_all(mails: Iterable[Mail]) -> None:
    """The same for mails that are `written`."""
    Mail.objects.bulk_create(mails, ignore_conflicts=True)


def send_due(*, now: datetime) -> int:
    """Sends up to `MOST` mails that are due; returns how many went out. A mail server that is away ends the round."""
    server: BaseEmailBackend = get_connection()
    sent = 0
    try:
        for _turn in range(MOST):
            mail = claim(now=now)
            if mail is None:
                break
            sent += send(mail, server, now=now)
    except OSError as error:
        hold_back(error, now=now)
    finally:
        server.close()
    return sent


def claim(*, now: datetime) -> Mail | None:
    """Takes the mail that is due the longest, so that no two workers send it."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": now + LEASE})
        found = cursor.fetchone()
    return Mail.objects.get(pk=found[0]) if found else None


@logs.about()
def send(mail: Mail, server: BaseEmailBackend, *, now: datetime) -> bool:
    """Sends one mail, outside any transaction. True if it went out.

    Raises:
        OSError: the mail server cannot be reached; the mail is tried again.
    """
    kind = kinds.get(mail.kind)
    if now >= mail.created_at + (kind.life if kind else LIFE):
        settle(mail, Mail.Status.DEAD, error=mail.last_error or "it came too late to be sent")
        return False
    if kind is None:  # of a release that is being brought in: its workers will know
        put_off(mail, UnknownKindError(mail.kind), now=now)
        return False
    with override(mail.language):
        letter = None if had_enough(mail, kind, now=now) else kind.build(mail, now)
        message = rendered(letter, mail) if letter else None
    if message is None:
        settle(mail, Mail.Status.SKIPPED)
        return False
    try:
        server.open()
        server.send_messages([message])
    except ONE_MAILS_OWN as error:
        put_off(mail, error, now=now)
        return False
    except OSError as error:
        put_off(mail, error, now=now)
        raise
    settle(mail, Mail.Status.SENT, sent_at=now)
    return True


def had_enough(mail: Mail, kind: Kind, *, now: datetime) -> bool:
    """Whether this address got as many mails of the kind in the last hour as anybody should."""
    if kind.an_hour is None:
        return False
    sent = Mail.objects.to(mail.recipient).filter(kind=mail.kind, sent_at__gt=now - timedelta(hours=1))
    return sent.count() >= kind.an_hour


def rendered(letter: Letter, mail: Mail) -> Message:
    """The mail as it goes out. Sent twice by a worker that died in between, it has the same id both times."""
    context = context_of(letter, mail.language)
    message = Message(
        subject=str(letter.subject),
        body=render_to_string(f"{letter.template}.txt", context),
        to=[letter.recipient],
        headers={"Message-ID": f"<{mail.id.hex}@{host()}>", "Auto-Submitted": "auto-generated", **letter.headers},
    )
    message.attach_alternative(render_to_string(f"{letter.template}.html", context), "text/html")
    for picture in letter.pictures:
        message.attach(inline(picture))
    return message


def inline(picture: Picture) -> MIMEImage:
    """The picture as the part of a mail."""
    part = MIMEImage(picture.png, "png")
    part.add_header("Content-ID", f"<{picture.cid}>")
    part.add_header("Content-Disposition", "inline", filename=f"{picture.name}.png")
    return part


def host() -> str | None:
    """The shop's, after which mails and what is in them are named."""
    return urlsplit(settings.PUBLIC_URL).hostname


def context_of(letter: Letter, language: str) -> dict[str, Any]:
    """What the templates of a letter are given."""
    return {"shop": settings.SHOP_NAME, "subject": letter.subject, "language": language, **letter.context}


def settle(mail: Mail, status: Mail.Status, *, sent_at: datetime | None = None, error: str = "") -> None:
    """The mail is done with. A dead one is told to ops, by its id."""
    if status == Mail.Status.DEAD:
        log.error("mail %s (%s) is dead: it was never sent", mail.id, mail.kind)
    Mail.objects.filter(pk=mail.pk).update(status=status, sent_at=sent_at, next_attempt_at=None, last_error=error[:300])


def put_off(mail: Mail, error: Exception, *, now: datetime) -> None:
    """Tries again after 10 s doubling to an hour, with jitter. The log does not say whose mail it is."""
    seconds = min(10 * 2 ** min(mail.attempts - 1, 10), 3600) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    log.warning("mail %s (%s) could not be sent: %s", mail.id, mail.kind, type(error).__name__)
    Mail.objects.filter(pk=mail.pk).update(
        next_attempt_at=now + timedelta(seconds=seconds), last_error=f"{type(error).__name__}: {error}"[:300]
    )


def hold_back(error: OSError, *, now: datetime) -> None:
    """The mail server is away: for a moment nobody waits for it, so that the jobs beside are not kept."""
    log.error("the mail server cannot be reached: %s", type(error).__name__)
    later = now + SERVER_AWAY
    Mail.objects.filter(next_attempt_at__lt=later).update(next_attempt_at=later)
