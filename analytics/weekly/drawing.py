"""A chart of a week as PNG: mail programs show neither SVG nor scripts."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from analytics.chart import BLUE, GREY, Chart
from analytics.metrics import Number

WIDTH, HEIGHT = 1136, 520
"""Pixels: twice what a mail shows, for sharp screens."""
LEFT, RIGHT, TOP, BOTTOM = 120, 30, 84, 68
"""Room around the lines."""
FINER = 3
"""Lines are drawn so much larger and made smaller, which smooths them."""
WHITE, GRID, INK = "#ffffff", "#e5e7eb", "#374151"
TEXT = 34
LINES = 4
"""Lines of the grid above zero, at most."""
STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
UNITS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(1000), "k"))
COLOURS = 64
"""Of the picture: enough for smooth lines, and a fifth of the bytes."""

Place = tuple[float, float]


def drawn(chart: Chart) -> bytes:
    """The week as a line with dots, the week before as a dashed one behind it, and what is needed to read them.

    The background is white, so that it can be read in a dark mail too. The sentence of the chart stands for it where
    pictures are not shown.
    """
    step = step_of(max(Decimal(value) for point in chart.points for value in (point.value, point.before)))
    values, before = ([Decimal(point.value) for point in chart.points], [Decimal(p.before) for p in chart.points])
    canvas = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), WHITE)
    pen = ImageDraw.Draw(canvas)
    draw_grid(pen)
    draw_dashed(pen, places(before, step))
    draw_dotted(pen, places(values, step))
    draw_legend(pen)
    picture = canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    write_texts(ImageDraw.Draw(picture), chart, step)
    file = BytesIO()
    picture.quantize(COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()


def step_of(most: Decimal) -> Decimal:
    """How far the lines of the grid are apart, so that `LINES` of them hold the largest value: 1, 2, 5, 10, 20..."""
    wanted = max(most, Decimal(LINES)) / LINES
    size = Decimal(10) ** wanted.adjusted()
    steps = (factor * size for factor in STEPS)
    return next(step for step in steps if step >= wanted and step % 1 == 0)


def places(values: list[Decimal], step: Decimal) -> list[Place]:
    """Where the values of the days stand, on the large canvas."""
    return [(column(n) * FINER, height(value, step) * FINER) for n, value in enumerate(values)]


def column(day: int) -> float:
    """The place of a day from the left, Monday is 0."""
    return LEFT + (WIDTH - LEFT - RIGHT) * (day + 0.5) / 7


def height(value: Decimal, step: Decimal) -> float:
    """The place of a value from the top."""
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * float(value / (LINES * step))


def draw_grid(pen: ImageDraw.ImageDraw) -> None:
    """A line for zero and each step."""
    for number in range(LINES + 1):
        y = height(Decimal(number), Decimal(1)) * FINER
        pen.line([(LEFT * FINER, y), ((WIDTH - RIGHT) * FINER, y)], fill=GRID, width=2 * FINER)


def draw_dotted(pen: ImageDraw.ImageDraw, line: list[Place]) -> None:
    """The week: a thick line with a dot a day."""
    pen.line(line, fill=BLUE, width=5 * FINER, joint="curve")
    for place in line:
        pen.circle(place, 9 * FINER, fill=BLUE)


def draw_dashed(pen: ImageDraw.ImageDraw, line: list[Place]) -> None:
    """The week before: a thin dashed line, told from the other without its colour too."""
    for start, end in pairwise(line):
        for part in range(0, 12, 2):
            ends = between(start, end, part / 11), between(start, end, (part + 1) / 11)
            pen.line(ends, fill=GREY, width=3 * FINER)


def between(start: Place, end: Place, part: float) -> Place:
    """The place after that part of the way."""
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def draw_legend(pen: ImageDraw.ImageDraw) -> None:
    """Examples of both lines above the grid."""
    y = 36 * FINER
    draw_dotted(pen, [(LEFT * FINER, y), ((LEFT + 70) * FINER, y)])
    draw_dashed(pen, [((LEFT + 330) * FINER, y), ((LEFT + 400) * FINER, y)])


def write_texts(pen: ImageDraw.ImageDraw, chart: Chart, step: Decimal) -> None:
    """Days, steps and legend. The font that comes with the library has no currency signs: the mail names the unit."""
    font = ImageFont.load_default(TEXT)
    for n, point in enumerate(chart.points):
        pen.text((column(n), HEIGHT - BOTTOM + 34), f"{point.day:%a %-d}", INK, font, anchor="mm")
    for number in range(LINES + 1):
        pen.text((LEFT - 16, height(number * step, step)), short(number * step), INK, font, anchor="rm")
    pen.text((LEFT + 90, 36), "This week", INK, font, anchor="lm")
    pen.text((LEFT + 420, 36), "Week before", INK, font, anchor="lm")


def short(value: Number) -> str:
    """`0`, `250`, `2.5k`, `25M`."""
    size, unit = next(((size, unit) for size, unit in UNITS if value >= size), (Decimal(1), ""))
    return f"{(Decimal(value) / size).normalize():,f}{unit}"
