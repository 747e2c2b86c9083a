"""What is handed to Prometheus and Grafana names only figures that the shop tells."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from django.test import Client

from config.embedded import PROJECT
from config.schedule import sync_schedule
from core import measured

DEPLOY = PROJECT / "deploy"
PROMETHEUS_OWN = re.compile(r'[{,](?:job|instance)="')
METRIC = re.compile(r"\bfootfall_[a-z_]+")


def told(client: Client) -> set[str]:
    """Every name that can stand in an expression."""
    sync_schedule()
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
    ids=["it takes the rules", "alerts come of what they are for"],
)
def test_prometheus(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool, of Prometheus, is not installed")
    done = subprocess.run([promtool, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


CASES = yaml.safe_load((PROJECT / "tests" / "config" / "alert_cases.yml").read_text())["tests"]
ALERTS = [rule["alert"] for rule in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]]


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_case_in_which_it_comes_and_one_in_which_it_does_not(alert: str) -> None:
    tried = [check for case in CASES for check in case["alert_rule_test"] if check["alertname"] == alert]
    assert {bool(check["exp_alerts"]) for check in tried} == {True, False}


@pytest.mark.django_db
def test_no_label_is_one_that_prometheus_writes_itself(client: Client) -> None:
    told(client)
    assert [line for line in client.get("/metrics").content.decode().splitlines() if PROMETHEUS_OWN.search(line)] == []


def test_the_picture_has_no_two_panels_in_one_place() -> None:
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len({panel["id"] for panel in panels}) == len(panels)
