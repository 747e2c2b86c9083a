"""One metric over a window, as a chart, a sentence and a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from analytics.drawing import WIDTH, Scale, across, path, scale
from analytics.figures import Change, change, short, written
from analytics.metrics import ADDITIVE, Kind, Metric, Number
from analytics.periods import day_text
from analytics.slices import Point, Slice
from core.clock import day_bounds, shop_day, shop_zone
from core.money import money_whole

LABELS = 7
"""Words below the chart at most."""


@dataclass(frozen=True)
class Spot:
    """A day or an hour beside the one that it is compared with. None of it is known before it has begun.

    `is_cut` says that it is not over: then it is compared with nothing.
    """

    begins: datetime
    label: str
    value: Number | None
    text: str
    before_label: str
    before: Number | None
    before_text: str
    change: Change | None
    is_cut: bool

    @property
    def day(self) -> date:
        """The day, by the shop's clock."""
        return shop_day(self.begins)


@dataclass(frozen=True)
class Chart:
    """What the template draws: paths for SVG, ticks by their height in percent from below, labels by their place."""

    title: str
    sentence: str
    spots: list[Spot]
    on: Scale
    line: str
    unfinished: str
    before: str
    dot: tuple[float, float] | None
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    is_cut: bool


def chart(metric: Metric, current: Slice, before: Slice | None) -> Chart:
    """The metric at each point of a window, the compared window behind it."""
    made = spots(metric, current, before)
    values, behind = [spot.value for spot in made], [spot.before for spot in made]
    on = scale([*values, *behind], whole=metric.kind is Kind.COUNT)
    known = sum(value is not None for value in values)
    cut = made[known - 1].is_cut if known else False
    end = known - 2 if cut else known - 1
    return Chart(
        title=f"{metric.title} by {unit(current)}",
        sentence=sentence(metric, made, unit(current)),
        spots=made,
        on=on,
        line=path(values, on, last=end),
        unfinished=path(values, on, first=max(end, 0), last=known - 1) if cut else "",
        before=path(behind, on),
        dot=dot(values, known, on),
        ticks=ticks(on, metric),
        labels=labels(made),
        is_cut=cut,
    )


def spots(metric: Metric, current: Slice, before: Slice | None) -> list[Spot]:
    """The points of both windows side by side; days and hours of a day have as many but where the clock changes."""
    others = matched(current.points, before.points if before else [])
    return [
        spot(metric, point, other, is_hour=is_by_hour(current), is_cut=point.totals is not None and ends(current, n))
        for n, (point, other) in enumerate(zip(current.points, others, strict=True))
    ]


def matched(points: list[Point], others: list[Point]) -> list[Point | None]:
    """The points to compare with: by number, or by what the clock shows where one window has more of them."""
    if len(points) == len(others):
        return list(others)
    by_clock = {clock(other): other for other in reversed(others)}
    return [by_clock.get(clock(point)) for point in points]


def clock(point: Point) -> str:
    """What the shop's clock shows at its begin."""
    return f"{point.begins.astimezone(shop_zone()):%H:%M}"


def is_by_hour(shown: Slice) -> bool:
    """Whether its points are hours."""
    return shown.window.first == shown.window.last


def unit(shown: Slice) -> str:
    """`hour` or `day`."""
    return "hour" if is_by_hour(shown) else "day"


def ends(shown: Slice, number: int) -> bool:
    """Whether the point is not over."""
    following = shown.points[number + 1 :]
    over = following[0].begins if following else day_bounds(shown.window.last)[1]
    return shown.end < over - timedelta(microseconds=1)


def spot(metric: Metric, point: Point, other: Point | None, *, is_hour: bool, is_cut: bool) -> Spot:
    """A point beside another."""
    value, before = point.value(metric), other.value(metric) if other else None
    comparable = value is not None and before is not None and not is_cut
    return Spot(
        begins=point.begins,
        label=label(point, is_hour=is_hour),
        value=value,
        text=text(value, metric),
        before_label=label(other, is_hour=is_hour) if other else "",
        before=before,
        before_text=text(before, metric),
        change=change(value or 0, before or 0, metric.kind) if comparable else None,
        is_cut=is_cut,
    )


def label(point: Point, *, is_hour: bool) -> str:
    """`Tue 10 Mar`, of an hour with its time."""
    local = point.begins.astimezone(shop_zone())
    return f"{day_text(local.date())} {local:%H:%M}" if is_hour else day_text(local.date())


def text(value: Number | None, metric: Metric) -> str:
    """The value as people read it; a dash where nothing is known."""
    return "–" if value is None else written(value, metric.kind)


def ticks(on: Scale, metric: Metric) -> list[tuple[float, str]]:
    """The lines of the scale with their numbers."""
    return [(round(100 * n / on.steps, 1), tick_text(tick, metric)) for n, tick in enumerate(on.ticks)]


def tick_text(tick: float, metric: Metric) -> str:
    """The number at a line: `£200`, `2.50 %`, `1,000`."""
    if metric.kind is Kind.MONEY and tick == int(tick) and abs(tick) < 1_000:
        return money_whole(Decimal(int(tick)))
    return short(int(tick) if tick == int(tick) else Decimal(str(round(tick, 2))), metric.kind)


def dot(values: list[Number | None], known: int, on: Scale) -> tuple[float, float] | None:
    """Where the only known value lies, which makes no line: in percent from the left and from above."""
    if known != 1:
        return None
    number = next(n for n, value in enumerate(values) if value is not None)
    return round(100 * across(number, len(values)) / WIDTH, 1), on.height(float(values[number] or 0))


def labels(made: list[Spot]) -> list[tuple[float, str]]:
    """Words below some of the points, evenly spread: the day, or the time of an hour."""
    step = max(-(-len(made) // LABELS), 1)
    is_hour = ":" in made[0].label
    return [
        (round(100 * across(number, len(made)) / WIDTH, 1), short_label(made[number], is_hour=is_hour))
        for number in range(0, len(made), step)
    ]


def short_label(shown: Spot, *, is_hour: bool) -> str:
    """`10 Mar` or `14:00`."""
    local = shown.begins.astimezone(shop_zone())
    return f"{local:%H:%M}" if is_hour else f"{local:%-d %b}"


def sentence(metric: Metric, made: list[Spot], by: str) -> str:
    """What the chart shows, for those who do not see it or want it short. What is not over is left out."""
    over = [spot for spot in made if spot.value is not None and not spot.is_cut]
    if not over:
        return f"{metric.title} by {by}: no {by} is over yet."
    end = f" The last {by} is not over." if any(spot.is_cut for spot in made) else ""
    best = max(over, key=lambda spot: spot.value or 0)
    if not best.value:
        return f"{metric.title} by {by}: none in {counted(over, by)}.{end}"
    most = f"{metric.title} by {by}: most {named(best, by)} with {best.text}"
    if metric.name not in ADDITIVE:
        return f"{most}; {over[-1].text} {named(over[-1], by)}.{end}"
    total = sum(spot.value or 0 for spot in over)
    return f"{most}; {written(total, metric.kind)} in {counted(over, by)}{against(metric, over, total)}.{end}"


def counted(over: list[Spot], by: str) -> str:
    """`27 whole days`."""
    return f"{len(over)} whole {by}{'s' if len(over) != 1 else ''}"


def named(shown: Spot, by: str) -> str:
    """`on Tuesday 10 March`, or `at 14:00`."""
    local = shown.begins.astimezone(shop_zone())
    return f"at {local:%H:%M}" if by == "hour" else f"on {local:%A %-d %B}"


def against(metric: Metric, over: list[Spot], total: Number) -> str:
    """How the total changed against the same points before."""
    before = [spot.before for spot in over if spot.before is not None]
    if len(before) < len(over):
        return ""
    moved = change(total, sum(before), metric.kind)
    amount = moved.text.lstrip("+−")
    how = {"no change": "as in", "new": "none in"}.get(moved.word, f"{amount} {moved.word} on")
    return f", {how} the period before"
