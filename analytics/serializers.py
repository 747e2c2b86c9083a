"""What the stats API answers."""

from rest_framework import serializers

from core.serializers import CamelSerializer, MoneyOut


class MetricsSerializer(CamelSerializer):
    """One day. Rates are percent, durations seconds, money in `currency`; definitions stand in docs/metrics.md."""

    date = serializers.DateField()
    currency = serializers.CharField()
    active_users = serializers.IntegerField(help_text="Distinct sessions seen in the last 30 minutes, now.")
    users_per_minute = serializers.IntegerField(help_text="Distinct sessions seen in the last minute, now.")
    total_visits = serializers.IntegerField()
    unique_visits = serializers.IntegerField()
    new_users = serializers.IntegerField()
    existing_users = serializers.IntegerField()
    avg_session_duration = serializers.FloatField()
    total_page_views = serializers.IntegerField()
    avg_page_views_per_session = serializers.FloatField()
    bounce_rate = serializers.DecimalField(max_digits=7, decimal_places=2)
    cart_rate = serializers.DecimalField(max_digits=7, decimal_places=2)
    checkout_rate = serializers.DecimalField(max_digits=7, decimal_places=2)
    purchase_rate = serializers.DecimalField(max_digits=7, decimal_places=2)
    conversion_rate = serializers.DecimalField(max_digits=7, decimal_places=2)
    cart_additions = serializers.IntegerField()
    checkouts_started = serializers.IntegerField()
    total_orders = serializers.IntegerField()
    total_sales = MoneyOut()
    average_order_value = MoneyOut()
    gross_sales = MoneyOut()
    discounts = MoneyOut()
    shipping = MoneyOut()
    tax = MoneyOut()
    refunds = MoneyOut()
    net_sales = MoneyOut()
    sessionless_orders = serializers.IntegerField()
    sessionless_sales = MoneyOut()
    placed_orders = serializers.IntegerField()
    failed_orders = serializers.IntegerField()
    expired_orders = serializers.IntegerField()
    cancelled_orders = serializers.IntegerField()
    payment_success_rate = serializers.DecimalField(max_digits=7, decimal_places=2)
    new_customers = serializers.IntegerField()
    new_registered = serializers.IntegerField()
    sales_goal = MoneyOut()
    sales_goal_progress = serializers.DecimalField(max_digits=9, decimal_places=2)
    computed_at = serializers.DateTimeField(allow_null=True, help_text="Null for a day that was never computed.")
    is_final = serializers.BooleanField()


class RealtimeSerializer(CamelSerializer):
    """Who is here now."""

    active_users = serializers.IntegerField(help_text="Distinct sessions seen in the last 30 minutes.")
    users_per_minute = serializers.IntegerField(help_text="Distinct sessions seen in the last minute.")
    timestamp = serializers.DateTimeField()


class DayQuerySerializer(CamelSerializer):
    """Which day."""

    date = serializers.DateField(required=False, help_text="A day in the shop's time zone; today without it.")
