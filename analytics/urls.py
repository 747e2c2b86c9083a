"""Under `/api/v1/`."""

from django.urls import path

from analytics.api import MetricsView, RealtimeView

urlpatterns = [
    path("analytics/metrics", MetricsView.as_view()),
    path("analytics/realtime", RealtimeView.as_view()),
]
