"""Under `/api/v1/`."""

from django.urls import path

from analytics.api import BreakdownView, DailyView, FunnelView, GoalsView, HoursView, MetricsView, RealtimeView

urlpatterns = [
    path("analytics/metrics", MetricsView.as_view()),
    path("analytics/daily", DailyView.as_view()),
    path("analytics/funnel", FunnelView.as_view()),
    path("analytics/breakdown", BreakdownView.as_view()),
    path("analytics/hours", HoursView.as_view()),
    path("analytics/goals", GoalsView.as_view()),
    path("analytics/realtime", RealtimeView.as_view()),
]
