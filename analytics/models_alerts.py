"""What was found to be unusual in the shop, and what staff want to hear nothing of."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from orders.models_rules import known


class AlertKind(models.TextChoices):
    """What can be unusual."""

    TRAFFIC_LOW = "traffic_low", "Few visits"
    TRAFFIC_HIGH = "traffic_high", "Many visits"
    CONVERSION_LOW = "conversion_low", "Low conversion"
    NO_ORDERS = "no_orders", "No orders"
    PAYMENTS_FAILING = "payments_failing", "Payments fail"


KINDS = " ".join(AlertKind.values)


class AlertMute(models.Model):
    """A kind of alert that nobody is bothered with until then: it is still found and kept."""

    kind = models.CharField(max_length=16, choices=AlertKind, primary_key=True)
    until = models.DateTimeField()
    muted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    muted_at = models.DateTimeField()

    class Meta:
        constraints = [
            known("alert_mute_kind_is_known", "kind", KINDS),
            models.CheckConstraint(condition=Q(until__gt=F("muted_at")), name="alert_mute_ends_after_its_beginning"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} until {self.until:%Y-%m-%d %H:%M}"


def muted_kinds(now: datetime) -> models.QuerySet[AlertMute, str]:
    """The kinds that are muted at that time."""
    return AlertMute.objects.filter(until__gt=now).values_list("kind", flat=True)


class AlertQuerySet(models.QuerySet["Alert"]):
    """Reads of alerts."""

    def open(self) -> AlertQuerySet:
        """Those that are not over."""
        return self.filter(ended_at=None)

    def heard(self, now: datetime) -> AlertQuerySet:
        """Open ones whose kind is not muted."""
        return self.open().exclude(kind__in=muted_kinds(now))

    def muted(self, now: datetime) -> AlertQuerySet:
        """Those whose kind is muted, open or over."""
        return self.filter(kind__in=muted_kinds(now))

    def with_mutes(self) -> AlertQuerySet:
        """With the mute of their kind, whether it is over or not: `muted_until` and `muted_by`, an address."""
        mute = AlertMute.objects.filter(kind=OuterRef("kind"))
        return self.annotate(
            muted_until=Subquery(mute.values("until")),
            muted_by=Coalesce(Subquery(mute.values("muted_by__email")), Value("")),
        )


class Alert(models.Model):
    """Something unusual, from when it was found until it was no more. Its sentence has the figures that were found
    last while it lasted.
    """

    kind = models.CharField(max_length=16, choices=AlertKind)
    sentence = models.CharField(max_length=300)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="Muted, it is told once the mute is over.")

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(ended_at=None), name="one_open_alert_a_kind"),
            known("alert_kind_is_known", "kind", KINDS),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="alert_ends_after_its_beginning"
            ),
        ]
        indexes = [models.Index(fields=["-began_at"], name="alert_by_age")]

    def __str__(self) -> str:
        return self.sentence
