"""What the stats API is asked, and what it answers."""

import datetime
from typing import Any

from rest_framework import serializers

from analytics.attribution import Model
from analytics.metrics import ALL, METRICS, Kind, Metric
from analytics.models import ACTIVE, THIS_MINUTE, SalesGoal
from analytics.periods import EARLIEST
from analytics.returns import MOST_DAYS
from analytics.stats import TO_COME, TOO_EARLY
from core.clock import now, shop_day
from core.serializers import CamelSerializer, Fields, MoneyOut, renamed
from sessions_app.dimensions import Dimension

FORMATS = ("json", "csv")
MOST_VALUES = 1000


def number(metric: Metric) -> serializers.Field[Any, Any, Any, Any]:
    """How a metric is written, with its definition."""
    text = metric.definition
    match metric.kind:
        case Kind.MONEY:
            return MoneyOut(help_text=text)
        case Kind.RATE:
            return serializers.DecimalField(max_digits=9, decimal_places=2, help_text=text)
        case Kind.SECONDS | Kind.MEAN:
            return serializers.FloatField(help_text=text)
    return serializers.IntegerField(help_text=text)


class NumbersSerializer(CamelSerializer):
    """Every metric. Rates are percent, durations seconds, money in `currency`; definitions stand in docs/metrics.md."""

    def get_fields(self) -> Fields:
        return {**super().get_fields(), **renamed({metric.name: number(metric) for metric in ALL})}


class DaySerializer(NumbersSerializer):
    """One day."""

    date = serializers.DateField()
    computed_at = serializers.DateTimeField(
        allow_null=True, help_text="Null for a day that was never computed, and for a part of one."
    )
    is_final = serializers.BooleanField()


class MetricsSerializer(DaySerializer):
    """One day, its goal, and who is here now."""

    currency = serializers.CharField()
    sales_goal = MoneyOut()
    sales_goal_progress = serializers.DecimalField(max_digits=9, decimal_places=2)
    active_users = serializers.IntegerField(help_text=ACTIVE)
    users_per_minute = serializers.IntegerField(help_text=THIS_MINUTE)


class StretchSerializer(CamelSerializer):
    """Days and what they make together."""

    days = DaySerializer(many=True)
    totals = NumbersSerializer()

    def get_fields(self) -> Fields:
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


class DailySerializer(StretchSerializer):
    """The days asked for, and those they are compared with."""

    currency = serializers.CharField()
    comparison = StretchSerializer(
        allow_null=True,
        help_text="As many days before, on the same weekdays; the last ends at this hour if today is asked for.",
    )


class FunnelStepSerializer(CamelSerializer):
    """A step of the funnel."""

    step = serializers.CharField()
    sessions = serializers.IntegerField(help_text="Visits that came this far.")
    of_previous = serializers.DecimalField(max_digits=7, decimal_places=2, help_text="Percent of the step before.")
    of_all = serializers.DecimalField(max_digits=7, decimal_places=2, help_text="Percent of all visits.")


class ValueSerializer(CamelSerializer):
    """One value of a dimension."""

    value = serializers.CharField()
    name = serializers.CharField(required=False, help_text="Of a product.")
    visits = serializers.IntegerField(help_text="Views, for pages and products.")
    visitors = serializers.IntegerField(allow_null=True, help_text="Null for what is added up: `(other)`.")
    orders = serializers.IntegerField()
    revenue = MoneyOut()
    conversion = serializers.DecimalField(max_digits=9, decimal_places=2, help_text="Orders of visits, percent.")


class HourSerializer(CamelSerializer):
    """An hour of the week."""

    weekday = serializers.IntegerField(help_text="1 is Monday, 7 Sunday.")
    hour = serializers.IntegerField(help_text="0 to 23, by the shop's clock.")
    hours = serializers.IntegerField(help_text="How many such hours the days had so far: the others are their sums.")
    visits = serializers.IntegerField(help_text=METRICS["total_visits"].definition)
    orders = serializers.IntegerField(help_text=METRICS["total_orders"].definition)
    sales = MoneyOut(help_text=METRICS["total_sales"].definition)


class GoalSerializer(CamelSerializer):
    """What is to be sold in a day or month."""

    period = serializers.ChoiceField(SalesGoal.Period.choices)
    starts_on = serializers.DateField()
    goal = MoneyOut(
        help_text="The day's own or its share of the month's; of a month, those of its days. 0 without any."
    )
    sales = MoneyOut(help_text="Of the days computed so far.")
    progress = serializers.DecimalField(max_digits=12, decimal_places=2, help_text="Sales of goal, percent.")


class GoalsSerializer(CamelSerializer):
    """Goals by day and by month."""

    currency = serializers.CharField()
    days = GoalSerializer(many=True)
    months = GoalSerializer(many=True, help_text="Each month that the days touch, whole.")


class MinuteSerializer(CamelSerializer):
    """A minute."""

    minute = serializers.DateTimeField()
    users = serializers.IntegerField(help_text=THIS_MINUTE)


class PageNowSerializer(CamelSerializer):
    """A page that is looked at."""

    page = serializers.CharField()
    sessions = serializers.IntegerField()


class RealtimeSerializer(CamelSerializer):
    """Who is here now."""

    active_users = serializers.IntegerField(help_text=ACTIVE)
    users_per_minute = serializers.IntegerField(help_text=THIS_MINUTE)
    timestamp = serializers.DateTimeField()
    minutes = MinuteSerializer(many=True, help_text="The last 30.")
    top_pages = PageNowSerializer(many=True, help_text="Of the last 30 minutes.")
    open_checkouts = serializers.IntegerField()
    orders_last_hour = serializers.IntegerField(help_text="Placed.")
    sales_last_hour = MoneyOut(help_text="Their totals.")
    currency = serializers.CharField()


class FormatQuerySerializer(CamelSerializer):
    """How the answer is written."""

    format = serializers.ChoiceField(FORMATS, default="json", help_text="`csv` has a line a row, for spreadsheets.")


class DayQuerySerializer(FormatQuerySerializer):
    """Which day."""

    date = serializers.DateField(required=False, help_text="A day in the shop's time zone; today without it.")
    refresh = serializers.BooleanField(default=False, help_text="Whether to compute the day's numbers again first.")

    def validate_date(self, day: datetime.date) -> datetime.date:
        """Raises:
        ValidationError: it has not begun, or is too long ago.
        """
        if day < EARLIEST:
            raise serializers.ValidationError(TOO_EARLY)
        if day > shop_day(now()):
            raise serializers.ValidationError(TO_COME)
        return day


class RangeQuerySerializer(FormatQuerySerializer):
    """Which days."""

    def get_fields(self) -> Fields:
        first = serializers.DateField(help_text="The first day, in the shop's time zone.")
        last = serializers.DateField(help_text=f"The last one, {MOST_DAYS} days at most; not after today.")
        return {"from": first, "to": last, **super().get_fields()}


class DailyQuerySerializer(RangeQuerySerializer):
    """Which days, and whether with those before."""

    compare = serializers.ChoiceField(["previous"], required=False, help_text="`previous`: the period before.")


class BreakdownQuerySerializer(RangeQuerySerializer):
    """Of what, and whom orders are credited to."""

    dimension = serializers.ChoiceField(Dimension.choices)
    model = serializers.ChoiceField(
        [model.value for model in Model],
        default=Model.SESSION.value,
        help_text="`session`: the visit that ordered; `first`, `last`: that touch of the visitor within 30 days.",
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST_VALUES, default=100)
