"""The pictures of docs/staff.md: what each shows, and the shop in which they are taken, the same at each time."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

from django.template.loader import render_to_string
from PIL import Image
from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from analytics.alerts.watching import end_alert, raise_alert
from analytics.demo.build import build_demo
from analytics.demo.dice import Dice
from analytics.demo.tables import STAFF_EMAIL
from analytics.models import AlertKind, Annotation, RealtimeMetrics, StaffSubscription
from analytics.weekly.letters import letter
from analytics.weekly.report import report_of
from analytics.weekly.weeks import Week
from core import redis as core_redis
from core.admin import record_page
from core.mail import Letter, context_of
from customers.models import User
from orders.models import Order
from sessions_app.models import VisitorSession
from sessions_app.state import ACTIVE
from tests.analytics.days import event

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
NOW = datetime(2026, 3, 10, 14, 5, tzinfo=UTC)
"""A Tuesday."""
DAYS, SEED = 17, 7
WEEK = Week(date(2026, 3, 2))
SIZE = ViewportSize(width=1100, height=1600)
LOOKED_AT = ("/shop/", "/shop/", "/shop/products/bud-vase", "/shop/products/stoneware-mug-ash")
PATIENCE_MS = 15_000
MARGIN = 12
"""Pixels above and below what is shown."""
COLOURS = 128
"""Of a picture's palette."""


@dataclass(frozen=True)
class Scene:
    """The shop as it was made: who looks, and the addresses that recipes call by name."""

    staff: User
    places: dict[str, str]


@dataclass(frozen=True)
class Recipe:
    """How a picture is taken: what is opened, what is done there, and the part of the page that it shows over its
    whole width, `tallest` pixels at most.

    `tolerance` is how much of it may be another without the guide being wrong, in percent: the edges of letters differ
    from one machine to another.
    """

    name: str
    address: str
    part: str
    tallest: int = 700
    act: Callable[[Page], object] = field(default=lambda page: None)
    tolerance: float = 0.3

    @property
    def file(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.name}.png"


def point_at_the_note(page: Page) -> None:
    """The chart's cursor goes two days back, to the one with the note."""
    slider = page.get_by_role("slider")
    for key in ("ArrowLeft", "ArrowLeft"):
        slider.press(key)


def open_the_refusal(page: Page) -> None:
    """What is known of the payment that failed."""
    page.get_by_text("attempt 1: failure").click()


RECIPES = (
    Recipe("dashboard", "/admin/?period=7", "#ff-dashboard", tallest=1210),
    Recipe("filter", "/admin/?period=7&channel=paid", "#ff-dashboard", tallest=390),
    Recipe("chart", "/admin/?period=7&plot=sales", "[data-tile=chart]", act=point_at_the_note),
    Recipe("live", "/admin/live/", "#ff-live", tallest=850),
    Recipe("alerts", "/admin/analytics/alert/", "#content"),
    Recipe("visit", "{visit}", "#content .ff-story"),
    Recipe("order", "{order}", "#content .ff-order", tallest=830, act=open_the_refusal),
    Recipe("weekly-mail", "{mail}", "body", tallest=1000, tolerance=3),  # in the font of whoever reads it
)


def make_scene() -> Scene:
    """Seventeen days of the demo shop up to `NOW`, with a note, alerts, and people who are there.

    Go to that time before; a browser comes afterwards.
    """
    build_demo(days=DAYS, seed=SEED, now=NOW)
    staff = User.objects.get(email=STAFF_EMAIL)
    Annotation.objects.create(day=NOW.date() - timedelta(days=2), text="Newsletter: spring mugs", made_by=staff)
    make_alerts()
    make_it_busy()
    order = Order.objects.filter(status="success", session__attempts__number=2).earliest("placed_at")
    return Scene(
        staff,
        {
            "visit": record_page("sessions_app_visitorsession", order.visitor_session_id),
            "order": record_page("orders_order", order.pk),
            "mail": mail_to(staff),
        },
    )


def make_alerts() -> None:
    """One that lasts, one that is over."""
    refused = "6 of 8 orders whose payment was tried from 09:00 to 12:00 were refused (75.0 %); usually 9.1 % are"
    raise_alert(kind=AlertKind.PAYMENTS_FAILING, sentence=refused, now=NOW - timedelta(hours=2))
    end_alert(kind=AlertKind.PAYMENTS_FAILING, now=NOW - timedelta(minutes=35))
    few = "2 visits from 13:00 to 14:00; usually 4 to 13 on Tuesdays at that hour"
    raise_alert(kind=AlertKind.TRAFFIC_LOW, sentence=few, now=NOW - timedelta(minutes=5))


def make_it_busy() -> None:
    """The last half hour, of which the jobs of a running shop would have kept account."""
    dice = Dice(SEED)
    here = VisitorSession.objects.order_by("-started_at")[:17]
    core_redis.client().zadd(ACTIVE, {visit.pk.hex: NOW.timestamp() - 20 - 95 * n for n, visit in enumerate(here)})
    for number, page in enumerate(LOOKED_AT):
        event(here[number], "page_view", page=page, timestamp=NOW - timedelta(minutes=number))
    for event_type in ("add_to_cart", "checkout_started"):
        event(here[0], event_type, timestamp=NOW - timedelta(minutes=3))
    RealtimeMetrics.objects.bulk_create(
        RealtimeMetrics(minute=NOW - timedelta(minutes=ago), active_users=17, users_per_minute=dice.between(1, 6))
        for ago in range(1, 30)
    )


def mail_to(staff: User) -> str:
    """The report of last week to them, as an address that a browser opens."""
    StaffSubscription.objects.create(user=staff, kind=StaffSubscription.Kind.WEEKLY_REPORT)
    report = letter(staff, report_of(WEEK))
    return as_data("text/html;charset=utf-8", html_of(report).encode())


def html_of(report: Letter) -> str:
    """The mail with its pictures in it."""
    html: str = render_to_string(f"{report.template}.html", context_of(report, "en"))
    for picture in report.pictures:
        html = html.replace(f"cid:{picture.cid}", as_data("image/png", picture.png))
    return html


def as_data(kind: str, content: bytes) -> str:
    """An address with its content in it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def take(page: Page, recipe: Recipe, scene: Scene) -> bytes:
    """The picture, a PNG of few colours."""
    page.goto(recipe.address.format(**scene.places))
    expect(page.locator("[data-wanted]")).to_have_count(0, timeout=PATIENCE_MS)
    recipe.act(page)
    box = page.locator(recipe.part).first.bounding_box()
    assert box is not None, recipe.part
    above = max(box["y"] - MARGIN, 0)
    height = min(box["y"] + box["height"] + MARGIN - above, recipe.tallest)
    clip = FloatRect(x=0, y=above, width=SIZE["width"], height=height)
    return in_few_colours(page.screenshot(full_page=True, clip=clip, animations="disabled"))


def in_few_colours(png: bytes) -> bytes:
    """The same, a third as large."""
    small = BytesIO()
    picture = Image.open(BytesIO(png)).convert("RGB")
    quantized = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    quantized.save(small, "PNG", optimize=True)
    return small.getvalue()
