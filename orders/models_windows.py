"""The rules by which staff give some orders another payment window."""

from django.db import models
from django.db.models import Q

from core.money import MoneyField

LONGEST_MINUTES = 24 * 60
MOST_ATTEMPTS = 20


class WindowRuleQuerySet(models.QuerySet["WindowRule"]):
    """Reads of the rules."""

    def active(self) -> "WindowRuleQuerySet":
        """Those that count, the first to be tried first."""
        return self.filter(is_active=True).order_by("position", "id")


class WindowRule(models.Model):
    """Orders to which all its conditions apply have this long, and this many attempts, to be paid.

    The first rule that fits counts, by `position` and then by age; an order that fits none has what the settings say.
    """

    position = models.PositiveIntegerField(default=100, help_text="Rules are tried from the lowest to the highest.")
    name = models.CharField(max_length=60, unique=True)
    category = models.ForeignKey(
        "catalog.Category",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="window_rules",
        help_text="One product of it in the order is enough.",
    )
    minimum_total = MoneyField(  # type: ignore[misc] # an amount that may be missing
        null=True, blank=True, help_text="From this total on, in the shop's currency."
    )
    customer_group = models.ForeignKey(
        "customers.CustomerGroup",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="window_rules",
        help_text="Of customers who are logged in: an e-mail address alone proves nobody.",
    )
    duration_minutes = models.PositiveIntegerField()
    max_attempts = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)

    objects = WindowRuleQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(duration_minutes__gte=1, duration_minutes__lte=LONGEST_MINUTES),
                name="window_rule_lasts_a_minute_to_a_day",
                violation_error_message="From 1 to 1440 minutes.",
            ),
            models.CheckConstraint(
                condition=Q(max_attempts__gte=1, max_attempts__lte=MOST_ATTEMPTS),
                name="window_rule_has_1_to_20_attempts",
                violation_error_message="From 1 to 20 attempts.",
            ),
            models.CheckConstraint(
                condition=Q(minimum_total=None) | Q(minimum_total__gte=0), name="window_rule_minimum_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(category=None, minimum_total=None, customer_group=None),
                name="window_rule_has_a_condition",
                violation_error_message="Give a category, a minimum total or a customer group; "
                "what holds for all orders is in the settings.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
