"""What staff see: a row a day, an hour, a dimension and value, a minute. Definitions: docs/metrics.md."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import models

from analytics.metrics import METRICS
from analytics.models_alerts import Alert, AlertKind, AlertMute
from analytics.models_notes import Annotation
from analytics.models_staff import StaffSubscription
from core.money import ZERO, MoneyField
from sessions_app.dimensions import Dimension

__all__ = [
    "AggregationRun",
    "Alert",
    "AlertKind",
    "AlertMute",
    "Annotation",
    "DailyBreakdown",
    "DailyMetrics",
    "DailyReturn",
    "HourlyMetrics",
    "RealtimeHour",
    "RealtimeMetrics",
    "ReturnsOfDay",
    "SalesGoal",
    "StaffSubscription",
    "Sums",
]

ACTIVE = "Distinct sessions seen in the last 30 minutes."
THIS_MINUTE = "Distinct sessions seen in the last minute."


def count(name: str = "") -> "models.PositiveIntegerField[int, int]":
    """A count of a day."""
    return models.PositiveIntegerField(default=0, help_text=METRICS[name].definition if name else "")


def money(name: str) -> MoneyField:
    """An amount of a day; below 0 where more went back than came."""
    return MoneyField(default=ZERO, help_text=METRICS[name].definition)


def rate(name: str) -> "models.DecimalField[Decimal | int | str, Decimal]":
    """Percent with two decimals; 0 over nothing."""
    return models.DecimalField(max_digits=7, decimal_places=2, default=ZERO, help_text=METRICS[name].definition)


def ratio(name: str) -> "models.FloatField[float, float]":
    """A mean of a day."""
    return models.FloatField(default=0, help_text=METRICS[name].definition)


class Sums(models.Model):
    """The numbers that may be added (`metrics.Totals`)."""

    total_visits = count("total_visits")
    new_users = count("new_users")
    session_seconds = models.DecimalField(max_digits=18, decimal_places=6, default=ZERO)
    total_page_views = count("total_page_views")
    engaged_sessions = count("engaged_sessions")
    product_sessions = count("product_sessions")
    cart_sessions = count("cart_sessions")
    checkout_sessions = count("checkout_sessions")
    order_sessions = count("order_sessions")
    converted_sessions = count("converted_sessions")
    cart_additions = count("cart_additions")
    checkouts_started = count("checkouts_started")
    total_orders = count("total_orders")
    total_sales = money("total_sales")
    gross_sales = money("gross_sales")
    discounts = money("discounts")
    shipping = money("shipping")
    tax = money("tax")
    refunds = money("refunds")
    sessionless_orders = count("sessionless_orders")
    sessionless_sales = money("sessionless_sales")
    placed_orders = count("placed_orders")
    placed_and_paid = count("placed_and_paid")
    failed_orders = count("failed_orders")
    expired_orders = count("expired_orders")
    cancelled_orders = count("cancelled_orders")
    pending_fulfillment = count("pending_fulfillment")
    processing_fulfillment = count("processing_fulfillment")
    shipped_fulfillment = count("shipped_fulfillment")
    delivered_fulfillment = count("delivered_fulfillment")
    canceled_fulfillment = count("canceled_fulfillment")
    new_customers = count("new_customers")
    new_registered = count("new_registered")

    class Meta:
        abstract = True


class DailyMetrics(Sums):
    """One calendar day in the shop's time zone. Computing a day twice gives the same row."""

    date = models.DateField(primary_key=True)
    unique_visits = count("unique_visits")
    existing_users = count("existing_users")
    avg_session_duration = ratio("avg_session_duration")
    avg_page_views_per_session = ratio("avg_page_views_per_session")
    bounce_rate = rate("bounce_rate")
    cart_rate = rate("cart_rate")
    checkout_rate = rate("checkout_rate")
    purchase_rate = rate("purchase_rate")
    conversion_rate = rate("conversion_rate")
    average_order_value = money("average_order_value")
    net_sales = money("net_sales")
    payment_success_rate = rate("payment_success_rate")
    crawler_page_views = count("crawler_page_views")
    computed_at = models.DateTimeField()
    is_final = models.BooleanField(default=False)
    is_dirty = models.BooleanField(default=False, help_text="Late data came: the next run computes the day again.")
    is_frozen = models.BooleanField(
        default=False, db_default=False, help_text="Its visits are being removed: only orders are counted again."
    )

    class Meta:
        ordering = ["-date"]
        verbose_name_plural = "daily metrics"

    def __str__(self) -> str:
        return str(self.date)

    @property
    def is_settled(self) -> bool:
        """Whether the day was over when it was computed, and nothing late is known of it; of one that is frozen nothing
        more will be.
        """
        return self.is_final and (self.is_frozen or not self.is_dirty)


class HourlyMetrics(Sums):
    """One hour of the shop's clock, by the instant at which it begins. The hours of a day make its row.

    Every hour of a day that was computed has a row, also an empty one: an hour without a row was never computed.
    """

    hour = models.DateTimeField(primary_key=True)

    class Meta:
        ordering = ["-hour"]
        verbose_name_plural = "hourly metrics"

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"


class DailyBreakdown(models.Model):
    """Visits and what they brought, by one dimension. The top 1,000 values of a day, the rest under `(other)`."""

    date = models.DateField()
    dimension = models.CharField(max_length=12, choices=Dimension)
    value = models.CharField(max_length=2048)
    visits = count()
    visitors = count()
    orders = count()
    revenue = MoneyField(default=ZERO)

    class Meta:
        ordering = ["-date", "dimension", "-visits"]
        indexes = [models.Index(fields=["dimension", "date"], name="breakdown_of_dimension")]
        constraints = [models.UniqueConstraint(fields=["date", "dimension", "value"], name="one_breakdown_row_a_value")]

    def __str__(self) -> str:
        return f"{self.date} {self.dimension} {self.value}"


class DailyReturn(models.Model):
    """How many visitors of a value on a day had come so before, by the day on which they last had.

    So visitors of any range are counted without anything that would tell them apart: those of its days, less those who
    had come on another day of it. Only days on which the value has a row of its own count, and 400 days back.
    """

    date = models.DateField()
    dimension = models.CharField(max_length=12, choices=Dimension)
    value = models.CharField(max_length=2048)
    previous = models.DateField(help_text="The last day before on which they had come so.")
    visitors = count()

    class Meta:
        ordering = ["-date", "dimension", "value", "-previous"]
        constraints = [
            models.UniqueConstraint(fields=["dimension", "date", "value", "previous"], name="one_return_row_a_day_back")
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.dimension} {self.value} after {self.previous}"


class ReturnsOfDay(models.Model):
    """For which row of a day its returns were counted, and from what. Without a digest its visits were gone."""

    date = models.DateField(primary_key=True)
    computed_at = models.DateTimeField(help_text="That of the day's row.")
    digest = models.BigIntegerField(null=True, help_text="Of its visits and events: when it changes, later days do.")

    def __str__(self) -> str:
        return f"returns of {self.date}"


class RealtimeMetrics(models.Model):
    """One minute, kept 7 days."""

    minute = models.DateTimeField(primary_key=True)
    active_users = models.PositiveIntegerField(default=0, help_text=ACTIVE)
    users_per_minute = models.PositiveIntegerField(default=0, help_text=THIS_MINUTE)

    class Meta:
        ordering = ["-minute"]
        verbose_name_plural = "realtime metrics"

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M}"


class RealtimeHour(models.Model):
    """The most that was seen in an hour of the shop's clock, by the instant at which it begins. Kept for good."""

    hour = models.DateTimeField(primary_key=True)
    max_active_users = models.PositiveIntegerField(default=0, help_text=f"The most at once. {ACTIVE}")
    max_users_per_minute = models.PositiveIntegerField(default=0, help_text=f"The most of a minute. {THIS_MINUTE}")

    class Meta:
        ordering = ["-hour"]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"


class AggregationRun(models.Model):
    """History being computed again by `aggregate_metrics`; kept until all its days are done, so that it can go on."""

    first = models.DateField()
    last = models.DateField()
    began_at = models.DateTimeField()
    reached = models.DateField(null=True, help_text="The last day that is done.")

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    @property
    def days(self) -> list[date]:
        """All its days."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def days_to_do(self) -> list[date]:
        """Those that are not done."""
        return [day for day in self.days if self.reached is None or day > self.reached]


class SalesGoal(models.Model):
    """What staff want to sell: on one day, or over a month (spread evenly over its days)."""

    class Period(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    period = models.CharField(max_length=5, choices=Period)
    starts_on = models.DateField(help_text="The day, or the first of the month.")
    amount = MoneyField()

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "starts_on"],
                name="one_goal_a_period",
                violation_error_message="There is a goal for this day or month already: change that one.",
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0),
                name="goal_of_something",
                violation_error_message="A goal is more than 0. Without one, delete it.",
            ),
            models.CheckConstraint(
                condition=~models.Q(period="month") | models.Q(starts_on__day=1),
                name="goal_of_a_month_begins_with_it",
                violation_error_message="The goal of a month begins on its first day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} in the {self.period} of {self.starts_on}"
