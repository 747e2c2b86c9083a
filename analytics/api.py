"""Stats for staff and their tools."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from analytics import stats
from analytics.attribution import Model
from analytics.periods import Window
from analytics.selectors import hours_of_week, stats_of_day
from analytics.serializers import (
    BreakdownQuerySerializer,
    DailyQuerySerializer,
    DailySerializer,
    DayQuerySerializer,
    DaySerializer,
    FormatQuerySerializer,
    FunnelStepSerializer,
    GoalSerializer,
    GoalsSerializer,
    HourSerializer,
    MetricsSerializer,
    MinuteSerializer,
    RangeQuerySerializer,
    RealtimeSerializer,
    ValueSerializer,
)
from analytics.services import aggregate_day
from analytics.stats import window_of
from core.api import JsonNegotiation, LoginAuthentication, success
from core.clock import now, shop_day
from core.postgresql.replica import from_replica
from core.schema import enveloped
from core.spreadsheets import BYTE_ORDER_MARK, csv_text, escaped
from customers.api_tokens import TokenAuthentication, allows
from sessions_app.dimensions import Dimension

PERMISSION = "analytics.view_dailymetrics"


class MaySeeMetrics(BasePermission):
    """Holders of `analytics.view_dailymetrics`, by login or by a token that is for it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return allows(request, PERMISSION)


class JsonOrCsv(JsonNegotiation):
    """`?format=` is the views' own: REST framework would say 404 to one that it does not know."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class StatsView(APIView):
    """What they share: who may ask, and the answer as JSON or CSV."""

    authentication_classes = [TokenAuthentication, LoginAuthentication]
    permission_classes = [MaySeeMetrics]
    content_negotiation_class = JsonOrCsv
    throttle_classes = []

    def asked(self, request: Request, serializer: type[FormatQuerySerializer]) -> dict[str, Any]:
        """The query, read.

        Raises:
            ValidationError
        """
        query = serializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)

    def window(self, asked: Mapping[str, Any]) -> Window:
        """The days asked for.

        Raises:
            RangeError
        """
        return window_of(asked["from"], asked["to"], now=now())


def answer(
    asked: Mapping[str, Any], data: Any, *, lines: Iterable[Mapping[str, Any]], columns: Iterable[str], name: str
) -> Response | HttpResponse:
    """The data, or as CSV these columns of its lines, as a file of that name."""
    return csv_file(lines, columns, name) if asked["format"] == "csv" else success(data)


def csv_file(lines: Iterable[Mapping[str, Any]], columns: Iterable[str], name: str) -> HttpResponse:
    """A table to open in a spreadsheet, with the same columns whatever there is in it. What such a program would run is
    written as text.
    """
    header = list(columns)
    cells = [[cell_text(line.get(column)) for column in header] for line in lines]
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(
        BYTE_ORDER_MARK + csv_text([header, *cells]), content_type="text/csv; charset=utf-8", headers=headers
    )


def cell_text(cell: object) -> str:
    """A cell; empty of nothing."""
    return "" if cell is None else escaped(str(cell))


def columns_of(serializer: type[Serializer[Any]]) -> list[str]:
    """What a line has that it writes."""
    return [str(name) for name in serializer().fields]


def answers(serializer: Any, name: str, *, many: bool = False) -> Any:
    """What the schema says of an answer."""
    csv = OpenApiResponse(OpenApiTypes.STR, description="The same as CSV.")
    return {(200, "application/json"): enveloped(serializer, name, many=many), (200, "text/csv"): csv}


def dated(name: str, window: Window) -> str:
    """A name for a file of these days."""
    return f"{name}_{window.first}_{window.last}"


class MetricsView(StatsView):
    """`GET analytics/metrics`"""

    @extend_schema(
        operation_id="analyticsMetrics",
        summary="The figures of a day, and who is here now",
        tags=["Stats"],
        parameters=[DayQuerySerializer],
        responses=answers(MetricsSerializer, "Metrics"),
    )
    @from_replica
    def get(self, request: Request) -> Response | HttpResponse:
        asked, instant = self.asked(request, DayQuerySerializer), now()
        day: date = asked.get("date", shop_day(instant))
        if asked["refresh"]:
            aggregate_day(day=day, now=instant)
        data = MetricsSerializer(stats_of_day(day, now=instant)).data
        return answer(asked, data, lines=[data], columns=columns_of(MetricsSerializer), name=f"metrics_{day}")


def lines_of_days(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The days, then those that they are compared with."""
    periods = {"current": data["days"], "before": data["comparison"]["days"] if data["comparison"] else []}
    return [{"period": period, **day} for period, days in periods.items() for day in days]


class DailyView(StatsView):
    """`GET analytics/daily`. As CSV compared days follow, told by `period`."""

    @extend_schema(
        operation_id="analyticsDaily",
        summary="A row a day, and what the days make together",
        tags=["Stats"],
        parameters=[DailyQuerySerializer],
        responses=answers(DailySerializer, "Daily"),
    )
    @from_replica
    def get(self, request: Request) -> Response | HttpResponse:
        asked = self.asked(request, DailyQuerySerializer)
        window, compare = self.window(asked), asked.get("compare") == "previous"

        def rendered() -> Any:
            return DailySerializer(stats.daily(window, compare=compare)).data

        data = stats.cached(f"daily:{compare}", window, rendered)
        columns = [*(["period"] if compare else []), *columns_of(DaySerializer)]
        return answer(asked, data, lines=lines_of_days(data), columns=columns, name=dated("daily", window))


class FunnelView(StatsView):
    """`GET analytics/funnel`"""

    @extend_schema(
        operation_id="analyticsFunnel",
        summary="Visits by how far they came",
        tags=["Stats"],
        parameters=[RangeQuerySerializer],
        responses=answers(FunnelStepSerializer, "Funnel", many=True),
    )
    @from_replica
    def get(self, request: Request) -> Response | HttpResponse:
        asked = self.asked(request, RangeQuerySerializer)
        window = self.window(asked)
        data = FunnelStepSerializer(stats.funnel(window), many=True).data
        columns = columns_of(FunnelStepSerializer)
        return answer(asked, data, lines=data, columns=columns, name=dated("funnel", window))


class BreakdownView(StatsView):
    """`GET analytics/breakdown`"""

    @extend_schema(
        operation_id="analyticsBreakdown",
        summary="Where visits came from, what they saw, and what they brought",
        tags=["Stats"],
        parameters=[BreakdownQuerySerializer],
        responses=answers(ValueSerializer, "Breakdown", many=True),
    )
    @from_replica
    def get(self, request: Request) -> Response | HttpResponse:
        asked = self.asked(request, BreakdownQuerySerializer)
        window, model = self.window(asked), Model(asked["model"])
        dimension, limit = Dimension(asked["dimension"]), asked["limit"]

        def rendered() -> Any:
            found = stats.breakdown(window, dimension, model=model, limit=limit)
            return ValueSerializer(found, many=True).data

        data = stats.cached(f"breakdown:{dimension}:{model}:{limit}", window, rendered)
        columns = [name for name in columns_of(ValueSerializer) if name != "name" or dimension is Dimension.PRODUCT]
        return answer(asked, data, lines=data, columns=columns, name=dated(dimension, window))


class HoursView(StatsView):
    """`GET analytics/hours`"""

    @extend_schema(
        operation_id="analyticsHours",
        summary="The hours of the week",
        tags=["Stats"],
        parameters=[RangeQuerySerializer],
        responses=answers(HourSerializer, "Hours", many=True),
    )
    @from_replica
    def get(self, request: Request) -> Response | HttpResponse:
        asked = self.asked(request, RangeQuerySerializer)
        window = self.window(asked)
        data = HourSerializer(hours_of_week(window), many=True).data
        return answer(asked, data, lines=data, columns=columns_of(HourSerializer), name=dated("hours", window))


class GoalsView(StatsView):
    """`GET analytics/goals`. As CSV the days, then the months."""

    @extend_schema(
        operation_id="analyticsGoals",
        summary="Sales goals by day and month, and how far they are reached",
        tags=["Stats"],
        parameters=[RangeQuerySerializer],
        responses=answers(GoalsSerializer, "Goals"),
    )
    @from_replica
    def get(self, request: Request) -> Response | HttpResponse:
        asked = self.asked(request, RangeQuerySerializer)
        window = self.window(asked)
        data = GoalsSerializer(stats.goals_of(window)).data
        lines, columns = [*data["days"], *data["months"]], columns_of(GoalSerializer)
        return answer(asked, data, lines=lines, columns=columns, name=dated("goals", window))


class RealtimeView(StatsView):
    """`GET analytics/realtime`. As CSV the minutes."""

    @extend_schema(
        operation_id="analyticsRealtime",
        summary="Who is here now",
        tags=["Stats"],
        parameters=[FormatQuerySerializer],
        responses=answers(RealtimeSerializer, "Realtime"),
    )
    def get(self, request: Request) -> Response | HttpResponse:
        asked, instant = self.asked(request, FormatQuerySerializer), now()
        data = RealtimeSerializer(stats.realtime(now=instant)).data
        lines, columns = data["minutes"], columns_of(MinuteSerializer)
        return answer(asked, data, lines=lines, columns=columns, name=f"realtime_{instant:%Y-%m-%d_%H%M}")
