"""A chart as PNG: mail programs show neither SVG nor scripts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from analytics.chart import Chart
from analytics.drawing import HEIGHT as DOWN
from analytics.drawing import WIDTH as ACROSS
from analytics.drawing import Scale, Value, across

WIDTH, HEIGHT = 1136, 520
"""Pixels: twice what a mail shows, for sharp screens."""
LEFT, RIGHT, TOP, BOTTOM = 120, 30, 84, 68
"""Room around the lines."""
FINER = 3
"""Lines are drawn so much larger and made smaller, which smooths them."""
INSET = 40
"""Between the frame and the first and last point."""
BLUE, GREY = "#0072B2", "#7c8594"
WHITE, GRID, INK = "#ffffff", "#e5e7eb", "#374151"
TEXT = 34
UNITS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(1000), "k"))
COLOURS = 64
"""Of the picture: enough for smooth lines, and a fifth of the bytes."""

TITLE = 44
"""Room above for a title."""
MOST_DOTS = 31
"""Points, of more a line says enough."""

Place = tuple[float, float]


def drawn(chart: Chart, *, this: str = "This period", before: str = "Compared with", title: str = "") -> bytes:
    """The window as a line with dots, what is not over dashed; the one before as a thin dashed line behind it; and what
    is needed to read them.

    The background is white, so that it can be read in a dark mail too. The sentence of the chart stands for it where
    pictures are not shown.
    """
    canvas = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), WHITE)
    pen = ImageDraw.Draw(canvas)
    draw_grid(pen, chart.on)
    draw_dashed(pen, places([spot.before for spot in chart.spots], chart.on))
    line = places([spot.value for spot in chart.spots], chart.on)
    draw_dotted(pen, line[:-1] if chart.is_cut else line, has_dots=len(chart.spots) <= MOST_DOTS)
    draw_dashed(pen, line[-2:] if chart.is_cut else [], BLUE)
    draw_legend(pen, is_compared=bool(chart.before))
    picture = canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    write_texts(ImageDraw.Draw(picture), chart, this, before)
    file = BytesIO()
    picture = titled(picture, title) if title else picture
    picture.quantize(COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()


def titled(picture: Image.Image, title: str) -> Image.Image:
    """The picture below its title."""
    whole = Image.new("RGB", (WIDTH, HEIGHT + TITLE), WHITE)
    whole.paste(picture, (0, TITLE))
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(TEXT)
    pen.text((LEFT, TITLE), title, INK, font, anchor="lm")
    return whole


def places(values: Sequence[Value], on: Scale) -> list[Place]:
    """Where the values stand that are known, on the large canvas."""
    return [
        (column(across(n, len(values)) / ACROSS) * FINER, height(float(value), on) * FINER)
        for n, value in enumerate(values)
        if value is not None
    ]


def column(part: float) -> float:
    """The place of a point from the left, of which this part of all lies before it."""
    return LEFT + INSET + (WIDTH - LEFT - RIGHT - 2 * INSET) * part


def height(value: float, on: Scale) -> float:
    """The place of a value from the top."""
    return TOP + (HEIGHT - TOP - BOTTOM) * on.height(value) / DOWN


def draw_grid(pen: ImageDraw.ImageDraw, on: Scale) -> None:
    """A line for each tick."""
    for tick in on.ticks:
        y = height(tick, on) * FINER
        pen.line([(LEFT * FINER, y), ((WIDTH - RIGHT) * FINER, y)], fill=GRID, width=2 * FINER)


def draw_dotted(pen: ImageDraw.ImageDraw, line: list[Place], *, has_dots: bool) -> None:
    """What is shown: a thick line with a dot a point."""
    pen.line(line, fill=BLUE, width=5 * FINER, joint="curve")
    for place in line if has_dots else []:
        pen.circle(place, 9 * FINER, fill=BLUE)


def draw_dashed(pen: ImageDraw.ImageDraw, line: list[Place], colour: str = GREY) -> None:
    """What it is compared with: a thin dashed line, told from the other without its colour too."""
    for start, end in pairwise(line):
        for part in range(0, 12, 2):
            ends = between(start, end, part / 11), between(start, end, (part + 1) / 11)
            pen.line(ends, fill=colour, width=3 * FINER)


def between(start: Place, end: Place, part: float) -> Place:
    """The place after that part of the way."""
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def draw_legend(pen: ImageDraw.ImageDraw, *, is_compared: bool) -> None:
    """Examples of the lines above the grid."""
    y = 36 * FINER
    draw_dotted(pen, [(LEFT * FINER, y), ((LEFT + 70) * FINER, y)], has_dots=True)
    if is_compared:
        draw_dashed(pen, [((LEFT + 330) * FINER, y), ((LEFT + 400) * FINER, y)])


def write_texts(pen: ImageDraw.ImageDraw, chart: Chart, this: str, before: str) -> None:
    """Days, ticks and legend. The font that comes with the library has no currency signs: what shows it names the
    unit.
    """
    font = ImageFont.load_default(TEXT)
    for left, text in chart.labels:
        pen.text((column(left / 100), HEIGHT - BOTTOM + 34), text, INK, font, anchor="mm")
    for tick in chart.on.ticks:
        pen.text((LEFT - 16, height(tick, chart.on)), short(Decimal(str(round(tick, 2)))), INK, font, anchor="rm")
    pen.text((LEFT + 90, 36), this, INK, font, anchor="lm")
    if chart.before:
        pen.text((LEFT + 420, 36), before, INK, font, anchor="lm")


def short(value: Decimal) -> str:
    """`0`, `250`, `2.5k`, `25M`."""
    size, unit = next(((size, unit) for size, unit in UNITS if abs(value) >= size), (Decimal(1), ""))
    return f"{(value / size).normalize():,f}{unit}"
