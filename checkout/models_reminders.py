"""Addresses that were reminded of a checkout."""

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from customers.emails import WithEmail


class ReminderAddress(models.Model):
    """An address that got a reminder: when it got the last one, and whether it wants no more. In lower case, as
    PostgreSQL lowers it; only `checkout.services` writes it.
    """

    email = models.EmailField("e-mail", unique=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_at = models.DateTimeField("unsubscribed", null=True, blank=True)

    objects = WithEmail["ReminderAddress"].as_manager()

    class Meta:
        verbose_name = "unsubscribed address"
        verbose_name_plural = "unsubscribed addresses"
        ordering = ["-unsubscribed_at"]
        default_permissions = ("view", "change")
        constraints = [models.CheckConstraint(condition=Q(email=Lower(F("email"))), name="reminder_address_lowered")]
        indexes = [
            models.Index(
                fields=["-unsubscribed_at"], condition=Q(unsubscribed_at__isnull=False), name="reminder_unsubscribed"
            ),
            models.Index(OpClass(Lower("email"), name="text_pattern_ops"), name="reminder_of_email"),
        ]

    def __str__(self) -> str:
        return self.email
