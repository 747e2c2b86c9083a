"""Under `/api/v1/`."""

from django.urls import path

from analytics.api import BreakdownView, DailyView, FunnelView, MetricsView, RealtimeView

urlpatterns = [
    path("analytics/metrics", MetricsView.as_view()),
    path("analytics/daily", DailyView.as_view()),
    path("analytics/funnel", FunnelView.as_view()),
    path("analytics/breakdown", BreakdownView.as_view()),
    path("analytics/realtime", RealtimeView.as_view()),
]
