"""What staff see: a row a day, a row a dimension and value, a row a minute. Definitions: docs/metrics.md."""

from decimal import Decimal

from django.db import models

from core.money import ZERO, MoneyField


def count(help_text: str = "") -> "models.PositiveIntegerField[int, int]":
    """A count of a day."""
    return models.PositiveIntegerField(default=0, help_text=help_text)


def rate(help_text: str) -> "models.DecimalField[Decimal | int | str, Decimal]":
    """Percent with two decimals; 0 over nothing."""
    return models.DecimalField(max_digits=7, decimal_places=2, default=ZERO, help_text=help_text)


class DailyMetrics(models.Model):
    """One calendar day in the shop's time zone. Computing a day twice gives the same row."""

    date = models.DateField(primary_key=True)
    total_visits = count("Visitor sessions started that day.")
    unique_visits = count("Distinct visitors of those sessions.")
    new_users = count("Visitors whose first session ever started that day.")
    existing_users = count("Unique visits less new users.")
    avg_session_duration = models.FloatField(default=0, help_text="Mean of last seen − started, seconds.")
    total_page_views = count()
    avg_page_views_per_session = models.FloatField(default=0)
    engaged_sessions = count("Sessions with 2 page views, or 10 s, or any event beyond page views.")
    bounce_rate = rate("Sessions not engaged / total visits.")
    product_sessions = count("Sessions that saw a product or went further.")
    cart_sessions = count("Sessions that reached the cart or went further.")
    checkout_sessions = count("Sessions that reached checkout or went further.")
    order_sessions = count("Sessions that placed an order.")
    converted_sessions = count("Sessions whose order was paid.")
    cart_rate = rate("Sessions that reached the cart / total visits.")
    checkout_rate = rate("Sessions that reached checkout / sessions that reached the cart.")
    purchase_rate = rate("Converted sessions / sessions that reached checkout.")
    conversion_rate = rate("Converted sessions / total visits.")
    cart_additions = count("add_to_cart events of the day.")
    checkouts_started = count("checkout_started events of the day.")
    total_orders = count("Orders paid that day.")
    total_sales = MoneyField(default=ZERO, help_text="Sum of the totals of orders paid that day.")
    average_order_value = MoneyField(default=ZERO, help_text="Total sales / total orders.")
    gross_sales = MoneyField(default=ZERO, help_text="Sum of the subtotals of those orders.")
    discounts = MoneyField(default=ZERO)
    shipping = MoneyField(default=ZERO)
    tax = MoneyField(default=ZERO)
    refunds = MoneyField(default=ZERO, help_text="Refunds made that day, of whichever day's orders.")
    net_sales = models.DecimalField(max_digits=18, decimal_places=3, default=ZERO, help_text="Total sales − refunds.")
    sessionless_orders = count("Orders paid that day without a session (phone, import).")
    sessionless_sales = MoneyField(default=ZERO)
    placed_orders = count("Orders placed that day.")
    failed_orders = count("Of those: failed.")
    expired_orders = count("Of those: expired.")
    cancelled_orders = count("Of those: cancelled.")
    payment_success_rate = rate("Of the orders placed that day: paid / placed.")
    pending_fulfillment = count("Paid orders of the day by fulfilment now.")
    processing_fulfillment = count()
    shipped_fulfillment = count()
    delivered_fulfillment = count()
    canceled_fulfillment = count()
    new_customers = count("Customers created that day.")
    new_registered = count("Of those: registered.")
    crawler_page_views = count("Counted apart; in no other number.")
    computed_at = models.DateTimeField()
    is_final = models.BooleanField(default=False)
    is_dirty = models.BooleanField(default=False, help_text="Late data came: the next run computes the day again.")

    class Meta:
        ordering = ["-date"]
        verbose_name_plural = "daily metrics"

    def __str__(self) -> str:
        return str(self.date)


class DailyBreakdown(models.Model):
    """Visits and what they brought, by one dimension. The top 1,000 values of a day, the rest under `(other)`."""

    class Dimension(models.TextChoices):
        CHANNEL = "channel"
        SOURCE = "source"
        MEDIUM = "medium"
        CAMPAIGN = "campaign"
        REFERRER = "referrer"
        LANDING_PAGE = "landing_page"
        COUNTRY = "country"
        CITY = "city"
        DEVICE = "device"
        BROWSER = "browser"
        OS = "os"
        PRODUCT = "product"
        PAGE = "page"

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


class RealtimeMetrics(models.Model):
    """One minute, kept 7 days."""

    minute = models.DateTimeField(primary_key=True)
    active_users = count("Distinct sessions seen in the last 30 minutes.")
    users_per_minute = count("Distinct sessions seen in the last minute.")

    class Meta:
        ordering = ["-minute"]
        verbose_name_plural = "realtime metrics"

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M}"


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
            models.UniqueConstraint(fields=["period", "starts_on"], name="one_goal_a_period"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="goal_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} in the {self.period} of {self.starts_on}"
