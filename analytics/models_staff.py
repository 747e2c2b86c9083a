"""Which mails a member of staff wants."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import models
from django.db.models import Exists, OuterRef

from customers.models import User
from orders.models_rules import known

MAY_SEE = "analytics.view_dailymetrics"
"""Whoever may not see the figures is not sent any, whatever they ticked before."""


class StaffSubscriptionQuerySet(models.QuerySet["StaffSubscription"]):
    """Reads of what staff want."""

    def to(self, kind: str) -> models.QuerySet[User]:
        """Whom to send such a mail: active staff who want it and may see the figures."""
        wanted = self.filter(kind=kind, user=OuterRef("pk"))
        may = ModelBackend().with_perm(MAY_SEE, is_active=True, include_superusers=True)
        found: models.QuerySet[User] = may.filter(Exists(wanted), is_staff=True)
        return found.order_by("pk")


class StaffSubscription(models.Model):
    """One kind of mail that one member of staff wants. Without a row they do not get it."""

    class Kind(models.TextChoices):
        ALERTS = "alerts", "Alerts"
        WEEKLY_REPORT = "weekly_report", "Weekly report"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_subscriptions")
    kind = models.CharField(max_length=13, choices=Kind)

    objects = StaffSubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["user", "kind"]
        verbose_name = "mail to staff"
        verbose_name_plural = "mails to staff"
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="one_staff_subscription_a_kind"),
            known("staff_subscription_kind_is_known", "kind", "alerts weekly_report"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind}"
