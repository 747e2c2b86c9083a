"""The page, its tiles as they are done, and its tables as files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_POST
from psycopg_pool import PoolTimeout

from analytics import selectors
from analytics.api import PERMISSION, csv_file
from analytics.chart import chart
from analytics.dashboard.asked import Asked, asked
from analytics.dashboard.choices import choices
from analytics.dashboard.keeping import Drawn, keep, kept, place
from analytics.dashboard.reading import Reading
from analytics.dashboard.tiles import TILES, Tile
from analytics.metrics import Kind
from analytics.models import Annotation
from analytics.notes import version
from analytics.picture import drawn
from analytics.services import annotate
from core.admin import RecordForm
from core.clock import now, shop_day, shop_zone
from core.postgresql.replica import from_replica
from customers.models import User

log = logging.getLogger(__name__)
REMEMBERED_SECONDS = 365 * 24 * 60 * 60
LONGEST_CHOICE = 2_000
ANNOTATE = "analytics.add_annotation"


class NoteForm(RecordForm):
    """A note."""

    class Meta:
        model = Annotation
        fields = ("day", "text")


@require_GET
@from_replica
def index(request: HttpRequest) -> HttpResponse:
    """`/admin/`. Without anything asked for it is what was asked for last."""
    if not request.user.has_perm(PERMISSION):
        return admin.site.index(request, {"title": "Dashboard", "may_see_figures": False})
    last = request.COOKIES.get(settings.DASHBOARD_COOKIE_NAME, "")
    if last and not request.GET:
        return HttpResponseRedirect(in_words(last).link())
    wanted, problems = wanted_by(request)
    context = admin.site.each_context(request) | page(wanted, problems, request)
    response = TemplateResponse(request, "admin/index.html", context)  # the admin's own would list all models again
    if request.GET:
        remember(response, wanted)
    return response


def remember(response: HttpResponse, wanted: Asked) -> None:
    """Keeps the choice for when nothing is asked for."""
    choice = wanted.address
    if len(choice) <= LONGEST_CHOICE:
        response.set_cookie(
            settings.DASHBOARD_COOKIE_NAME,
            choice,
            max_age=REMEMBERED_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def in_words(query: str) -> Asked:
    """What a query in words asks for, whoever wrote it."""
    return asked(dict(parse_qsl(query)), now=now())[0]


def wanted_by(request: HttpRequest) -> tuple[Asked, list[str]]:
    """What the address asks for; a shop of one day opens on today."""
    query = request.GET.dict()
    if "period" not in query and selectors.first_day() == shop_day(now()):
        query["period"] = "today"
    return asked(query, now=now())


def page(wanted: Asked, problems: list[str], request: HttpRequest) -> dict[str, Any]:
    """The page around its tiles; those that are kept are in it."""
    instant = now()
    reading = Reading(wanted, now=instant)
    found = kept(list(TILES), place(wanted, viewer(request, reading), now=instant))
    if "whole" in request.GET:
        found |= {tile.name: made for tile, made in draw(list(TILES.values()), reading, request)}
    return {
        "title": "Dashboard",
        "may_see_figures": True,
        "is_new": not selectors.has_history(),
        "asked": wanted,
        "problems": [*problems, *gone(reading)],
        "may_annotate": request.user.has_perm(ANNOTATE),
        "choices": choices(reading),
        "reading": reading,
        "zone": str(shop_zone()),
        "tiles": {name: shell(tile, found.get(name), reading) for name, tile in TILES.items()},
        "query": wanted.address,
    }


def gone(reading: Reading) -> list[str]:
    """What filters cannot find: visits that retention has removed, of whose days only the numbers are kept."""
    first = (reading.window_before or reading.window).first
    last = selectors.last_frozen_day(first, reading.window.last) if reading.asked.filters else None
    if last is None:
        return []
    return [f"Visits until {last:%-d %B %Y} are no longer kept: with a filter, these days show none."]


def shell(tile: Tile, made: Drawn | None, reading: Reading) -> dict[str, Any]:
    """What stands in the place of a tile: itself if it is kept, and whether it must be made anew."""
    is_over = reading.window.last < shop_day(reading.now)
    is_fresh = made is not None and made.is_fresh(now=reading.now, is_over=is_over)
    return {"tile": tile, "drawn": made, "is_fresh": is_fresh, "about": tile.about(reading)}


def viewer(request: HttpRequest, reading: Reading) -> str:
    """What the person may see: people with the same permissions share what is kept, until somebody changes a note."""
    may = "all" if request.user.is_superuser else " ".join(sorted(request.user.get_all_permissions()))
    return f"{may}\n{version(reading.annotations)}"


@require_GET
def tiles(request: HttpRequest) -> StreamingHttpResponse:
    """`/admin/dashboard/tiles?tiles=cards,chart&...`: a line of JSON a tile, as soon as it is done: `name`, `html`."""
    require_permission(request)
    wanted, _notes = wanted_by(request)
    names = request.GET.get("tiles", "").split(",")
    chosen = [TILES[name] for name in names if name in TILES]
    answer = StreamingHttpResponse(
        lines_of(chosen, Reading(wanted, now=now()), request), content_type="application/x-ndjson"
    )
    answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"] = "no-store", "no"
    return answer


def lines_of(chosen: Sequence[Tile], reading: Reading, request: HttpRequest) -> Iterator[bytes]:
    """The tiles, each as a line."""
    for tile, made in draw(chosen, reading, request):
        html = render_to_string("analytics/tile.html", {"shell": shell(tile, made, reading), "reading": reading})
        yield json.dumps({"name": tile.name, "html": html}).encode() + b"\n"


def draw(chosen: Sequence[Tile], reading: Reading, request: HttpRequest) -> Iterator[tuple[Tile, Drawn]]:
    """Makes tiles one after the other, and keeps them in the end, also if nobody waits for the rest.

    One that fails says so in its place, and is not kept.
    """
    at, done = place(reading.asked, viewer(request, reading), now=reading.now), {}
    reading.begin(question for tile in chosen for question in tile.slow(reading))
    try:
        for tile in chosen:
            try:
                made = done[tile.name] = Drawn(from_replica(tile.drawn)(reading, request), now())
            except (DatabaseError, PoolTimeout):
                log.exception("the tile %s failed", tile.name)
                made = Drawn(render_to_string("analytics/tiles/failed.html", {"tile": tile}), now())
            yield tile, made
    finally:
        keep(done, at)


@require_GET
@from_replica
def file(request: HttpRequest, name: str) -> HttpResponse:
    """`/admin/dashboard/<tile>.csv?...`: a table of the page as it is asked for."""
    require_permission(request)
    tile = TILES.get(name)
    if tile is None or tile.lines is None:
        raise Http404
    wanted, _notes = wanted_by(request)
    reading = Reading(wanted, now=now())
    return csv_file(tile.lines(reading), tile.columns(reading), f"{name}_{reading.window.first}_{reading.window.last}")


@require_POST
def note(request: HttpRequest) -> HttpResponse:
    """`/admin/dashboard/notes`, a form with `day`, `text` and, where to go back to, `query`: a note on a day."""
    if not request.user.has_perm(ANNOTATE) or not isinstance(request.user, User):
        raise PermissionDenied
    form = NoteForm(request.POST)
    if form.is_valid():
        made = annotate(day=form.cleaned_data["day"], text=form.cleaned_data["text"], by=request.user)
        admin.site.get_model_admin(Annotation).log_addition(request, made, "Made on the chart.")
    else:
        messages.error(request, " ".join(f"{name.capitalize()}: {found[0]}" for name, found in form.errors.items()))
    return HttpResponseRedirect(in_words(request.POST.get("query", "")).link())


@require_GET
@from_replica
def picture(request: HttpRequest) -> HttpResponse:
    """`/admin/dashboard/chart.png?...`: the chart of the page as it is asked for."""
    require_permission(request)
    wanted, _notes = wanted_by(request)
    reading = Reading(wanted, now=now())
    shown = chart(reading.plotted, reading.current, reading.before)
    unit = f", {settings.SHOP_CURRENCY}" if reading.plotted.kind is Kind.MONEY else ""
    title = f"{shown.title}{unit}: {reading.window}"
    name = f"{wanted.plot}_{reading.window.first}_{reading.window.last}.png"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(drawn(shown, title=title), content_type="image/png", headers=headers)


def require_permission(request: HttpRequest) -> None:
    """Refuses those who may not see figures."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
