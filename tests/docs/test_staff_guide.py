"""docs/staff.md shows what staff see: its pictures are taken anew and compared."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO

import pytest
import time_machine
from PIL import Image, ImageChops
from pytest_django.live_server_helper import LiveServer

from tests.analytics.staff import let_in, logged_in
from tests.docs.staff_pictures import FOLDER, NOW, PATIENCE_MS, RECIPES, SIZE, Recipe, Scene, make_scene, take
from tests.sessions_app.tracker.visitor import launched

GUIDE = FOLDER.parent / "staff.md"
IS_WRITING = os.environ.get("PICTURES") == "write"
"""`make pictures`."""
LARGEST = 120_000
"""Bytes of a file."""
TALLER = 24
"""Pixels by which a picture may be taller or lower: fonts differ."""
BOX = 20
"""Pixels: pictures are compared by the brightness of boxes of that size."""
SEEN = 20
"""Of 255: a box whose brightness differs by so much is another."""


def photographs(scene: Scene, shop: str, chromium_path: str) -> Iterator[tuple[Recipe, bytes]]:
    """Each picture as it is today."""
    client = logged_in(scene.staff)
    with launched(chromium_path) as browser:
        context = browser.new_context(base_url=shop, locale="en-GB", viewport=SIZE, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        let_in(context, client, shop)
        page = context.new_page()
        page.clock.set_fixed_time(NOW)
        for recipe in RECIPES:
            yield recipe, take(page, recipe, scene)


def difference(recipe: Recipe, taken: bytes) -> str:
    """In what it differs from the one that is kept; empty if one would not notice."""
    if not recipe.file.exists():
        return f"{recipe.name}: there is none"
    kept, new = Image.open(recipe.file).convert("L"), Image.open(BytesIO(taken)).convert("L")
    if kept.width != new.width or abs(kept.height - new.height) > TALLER:
        return f"{recipe.name}: {new.size} instead of {kept.size}"
    share = different(kept, new)
    return f"{recipe.name}: {share:.2f} % of it is another" if share > recipe.tolerance else ""


def different(kept: Image.Image, new: Image.Image) -> float:
    """How much of a picture is another, in percent of its boxes."""
    across, down = kept.width // BOX, min(kept.height, new.height) // BOX
    area = (0, 0, across * BOX, down * BOX)
    one, other = (each.crop(area).resize((across, down), Image.Resampling.BOX) for each in (kept, new))
    return 100 * sum(ImageChops.difference(one, other).histogram()[SEEN:]) / (across * down)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_pictures_show_what_staff_see(live_server: LiveServer, chromium_path: str) -> None:
    with time_machine.travel(NOW, tick=False):
        taken = dict(photographs(make_scene(), live_server.url, chromium_path))
    if IS_WRITING:
        FOLDER.mkdir(exist_ok=True)
        for recipe, png in taken.items():
            recipe.file.write_bytes(png)
    differences = [text for recipe, png in taken.items() if (text := difference(recipe, png))]
    assert not differences, f"{', '.join(differences)}: run `make pictures`, and look at them"


def test_each_picture_of_the_guide_has_a_recipe_and_is_small() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(pictures/([\w-]+)\.png\)", GUIDE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(recipe.name for recipe in RECIPES)
    assert sorted(FOLDER.iterdir()) == sorted(recipe.file for recipe in RECIPES)
    assert all(recipe.file.stat().st_size < LARGEST for recipe in RECIPES)
