"""What core itself keeps in PostgreSQL."""

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now

from core.ids import new_id


class LimitWindow(models.Model):
    """How often somebody asked while Redis was away (`core.limits.fallback`). Unlogged: a crash empties it.

    The key is a digest: no address and no e-mail can be read from it.
    """

    key = models.CharField(max_length=80, primary_key=True)
    used = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["ends_at"], name="limit_window_ends")]

    def __str__(self) -> str:
        return self.key


class MailText(models.Model):
    """What staff want a kind of mail to say in a language; empty: what we say (`core.mail_texts`)."""

    kind = models.CharField(max_length=60, editable=False)
    language = models.CharField(max_length=10, editable=False)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField("text", blank=True, max_length=5000)

    class Meta:
        ordering = ["kind", "language"]
        default_permissions = ("view", "change")
        constraints = [models.UniqueConstraint(fields=["kind", "language"], name="one_mail_text_a_language")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"


class MailQuerySet(models.QuerySet["Mail"]):
    """Reads of mails."""

    def to(self, address: str) -> "MailQuerySet":
        """Those to an address, in any case."""
        return self.alias(recipient_lower=Lower("recipient")).filter(recipient_lower=Lower(Value(address)))


class Mail(models.Model):
    """A mail to be sent, written in the transaction of what it tells (`core.mail`). `next_attempt_at` is null once it
    is settled.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        SKIPPED = "skipped"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=60)
    recipient = models.EmailField(help_text="Whom it is about; skipped if there is nothing to say to that address.")
    language = models.CharField(max_length=10, default="en")
    context = models.JSONField(default=dict, blank=True, help_text="Ids, no secrets: tokens are made when it is sent.")
    dedupe_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="waiting", next_attempt_at__isnull=False)
                | (~Q(status="waiting") & Q(next_attempt_at=None)),
                name="mail_waiting_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False), name="mail_sent_has_its_time"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="mail_due"),
            models.Index(fields=["-created_at"], name="mail_newest"),
            models.Index(OpClass(Lower("recipient"), name="text_pattern_ops"), name="mail_of_recipient"),
        ]

    def __str__(self) -> str:
        return self.kind
