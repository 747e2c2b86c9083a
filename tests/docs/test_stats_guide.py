"""docs/stats.md: every call of its table is one of the API, every dimension and model is known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from analytics.attribution import Model
from sessions_app.dimensions import Dimension
from tests.analytics.staff import logged_in, member
from tests.contract import schema

pytestmark = pytest.mark.django_db
GUIDE = (Path(settings.BASE_DIR) / "docs" / "stats.md").read_text()
CALLS = re.findall(r"^\| `(/api/v1/analytics/[^`]*)`", GUIDE, re.M)
FILLED = {"from": "2026-03-01", "to": "2026-03-02", "dimension": "channel"}


def test_every_call_of_the_schema_stands_in_the_table() -> None:
    paths = [path for path, methods in schema()["paths"].items() if "Stats" in methods.get("get", {}).get("tags", [])]
    assert sorted(call.partition("?")[0] for call in CALLS) == sorted(paths)


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_the_table_is_answered(call: str, form: str) -> None:
    path, _, names = call.partition("?")
    asked = {name: FILLED[name] for name in re.findall(r"(\w+)=", names)} | {"format": form}
    assert logged_in(member("analytics.view_dailymetrics")).get(path, asked).status_code == 200


def test_dimensions_and_models_are_those_that_there_are() -> None:
    listed = GUIDE.partition("**Dimensions**: ")[2].partition(".\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(Dimension.values)
    assert set(re.findall(r"model=(\w+)", GUIDE)) == {model.value for model in Model} - {"session"}
