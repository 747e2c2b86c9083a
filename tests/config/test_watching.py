"""What is handed to Prometheus and Grafana names only figures that the shop tells."""

import json
import re
import shutil
import subprocess

import pytest
from django.test import Client

from config.embedded import PROJECT
from core import measured

DEPLOY = PROJECT / "deploy"
METRIC = re.compile(r"\bfootfall_[a-z_]+")


def told(client: Client) -> set[str]:
    """Every name that can stand in an expression."""
    for kind in measured.kinds.values():
        measured.observe(kind, ("any",) * len(kind.labels), 1)
    lines = client.get("/metrics").content.decode().splitlines()
    said = {METRIC.match(line).group() for line in lines if line.startswith("footfall_")}  # type: ignore[union-attr]
    return said | {line.split()[2] + "_total" for line in lines if line.startswith("# TYPE") and "counter" in line}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_rules_and_pictures_ask_for_figures_that_there_are(name: str, client: Client) -> None:
    asked = set(METRIC.findall((DEPLOY / name).read_text()))
    assert len(asked) > 10
    assert asked <= {each.removesuffix("_total") for each in told(client)} | told(client)


@pytest.mark.parametrize(
    "words",
    [("check", "rules", DEPLOY / "alerts.yml"), ("test", "rules", PROJECT / "tests" / "config" / "alert_cases.yml")],
    ids=["it takes the rules", "it names who stands still"],
)
def test_prometheus(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool, of Prometheus, is not installed")
    done = subprocess.run([promtool, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_picture_has_no_two_panels_in_one_place() -> None:
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len({panel["id"] for panel in panels}) == len(panels)
