"""Stats for staff and their tools."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.selectors import realtime, stats_of_day
from analytics.serializers import DayQuerySerializer, MetricsSerializer, RealtimeSerializer
from core.api import success
from core.clock import now, shop_day
from core.schema import enveloped


class MaySeeMetrics(BasePermission):
    """Holders of `analytics.view_dailymetrics`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm("analytics.view_dailymetrics")


class MetricsView(APIView):
    """`GET analytics/metrics`"""

    permission_classes = [MaySeeMetrics]
    throttle_classes = []

    @extend_schema(
        operation_id="analyticsMetrics",
        summary="The figures of a day, and who is here now",
        tags=["Stats"],
        parameters=[DayQuerySerializer],
        responses=enveloped(MetricsSerializer, "Metrics"),
    )
    def get(self, request: Request) -> Response:
        query = DayQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        instant = now()
        day = query.validated_data.get("date", shop_day(instant))
        return success(MetricsSerializer(stats_of_day(day, now=instant)).data)


class RealtimeView(APIView):
    """`GET analytics/realtime`"""

    permission_classes = [MaySeeMetrics]
    throttle_classes = []

    @extend_schema(
        operation_id="analyticsRealtime",
        summary="Who is here now",
        tags=["Stats"],
        responses=enveloped(RealtimeSerializer, "Realtime"),
    )
    def get(self, request: Request) -> Response:
        return success(RealtimeSerializer(realtime(now=now())).data)
