"""The history of the metrics, to read; and the sales goals, to set."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter

from analytics.admin_alerts import AlertAdmin
from analytics.admin_staff import StaffSubscriptionAdmin
from analytics.metrics import HOURLY, METRICS
from analytics.models import (
    Annotation,
    DailyBreakdown,
    DailyMetrics,
    HourlyMetrics,
    RealtimeHour,
    RealtimeMetrics,
    SalesGoal,
)
from core.admin import DayRangeFilter, HistoryAdmin, ShopAdmin, money
from customers.models import User

__all__ = ["AlertAdmin", "StaffSubscriptionAdmin"]


@admin.register(DailyMetrics)
class DailyMetricsAdmin(HistoryAdmin):
    """A row a day."""

    list_display = (
        "date",
        "total_visits",
        "unique_visits",
        "conversion_rate",
        "total_orders",
        "sales",
        "refunded",
        "computed_at",
        "is_final",
    )
    list_filter = (("date", RangeDateFilter),)
    fields = ("date", *METRICS, "computed_at", "is_final", "is_dirty", "is_frozen")
    sales = money("total_sales", "sales")
    refunded = money("refunds", "refunds")


@admin.register(HourlyMetrics)
class HourlyMetricsAdmin(HistoryAdmin):
    """A row an hour."""

    list_display = ("hour", "total_visits", "cart_sessions", "checkout_sessions", "total_orders", "sales", "refunded")
    list_filter = (("hour", DayRangeFilter),)
    fields = ("hour", *HOURLY)
    sales = money("total_sales", "sales")
    refunded = money("refunds", "refunds")


@admin.register(DailyBreakdown)
class DailyBreakdownAdmin(HistoryAdmin):
    """A row a day, dimension and value."""

    list_display = ("date", "dimension", "value", "visits", "visitors", "orders", "revenue_text")
    list_filter = (("dimension", ChoicesDropdownFilter), ("date", RangeDateFilter))
    revenue_text = money("revenue", "revenue")


@admin.register(RealtimeMetrics)
class RealtimeMetricsAdmin(HistoryAdmin):
    """A row a minute, of the last 7 days."""

    list_display = ("minute", "active_users", "users_per_minute")
    list_filter = (("minute", DayRangeFilter),)


@admin.register(RealtimeHour)
class RealtimeHourAdmin(HistoryAdmin):
    """The most of an hour."""

    list_display = ("hour", "max_active_users", "max_users_per_minute")
    list_filter = (("hour", DayRangeFilter),)


@admin.register(SalesGoal)
class SalesGoalAdmin(ShopAdmin):
    """What the shop wants to sell."""

    list_display = ("starts_on", "period", "amount_text")
    list_filter = (("period", ChoicesDropdownFilter), ("starts_on", RangeDateFilter))
    amount_text = money("amount", "amount")


@admin.register(Annotation)
class AnnotationAdmin(ShopAdmin):
    """Notes on days, as they stand on the charts."""

    list_display = ("day", "text", "made_by")
    list_filter = (("day", RangeDateFilter),)
    list_select_related = ("made_by",)
    fields = ("day", "text")

    def save_model(self, request: HttpRequest, obj: Annotation, form: Any, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.made_by = request.user
        super().save_model(request, obj, form, change)
