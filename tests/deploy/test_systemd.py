"""The units of `deploy/systemd` are units, and fit what they start."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess

import pytest
from django.conf import settings

from config.embedded import PROJECT
from config.run import procfile
from tests.deploy.test_containers import GRACE_OF_WEB_SECONDS

UNITS = PROJECT / "deploy" / "systemd"
VERIFY = shutil.which("systemd-analyze")
OTHERS = [name for name in procfile() if name != "web"]


def section(unit: str, name: str) -> configparser.SectionProxy:
    """What a unit says of something."""
    found = configparser.ConfigParser(interpolation=None)
    found.read_string((UNITS / unit).read_text())
    return found[name]


@pytest.mark.skipif(VERIFY is None, reason="NOT RUN: no systemd-analyze. Install systemd.")
def test_systemd_takes_them() -> None:
    assert VERIFY is not None
    names = ["footfall-web.socket", "footfall-web@1.service", *(f"footfall@{name}.service" for name in OTHERS)]
    done = subprocess.run([VERIFY, "verify", *(UNITS / name for name in names)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_web_listens_where_nginx_asks() -> None:
    asked = re.search(r"upstream footfall \{\s+server ([\d.:]+);", (PROJECT / "deploy" / "nginx.conf").read_text())
    assert asked is not None
    assert section("footfall-web.socket", "Socket")["ListenStream"] == asked[1]


@pytest.mark.parametrize(
    ("unit", "longest"),
    [("footfall-web@.service", GRACE_OF_WEB_SECONDS), ("footfall@.service", settings.CELERY_TASK_TIME_LIMIT)],
)
def test_nothing_is_killed_before_what_it_has_in_hand_is_done(unit: str, longest: int) -> None:
    said = section(unit, "Service")
    assert int(said["TimeoutStopSec"]) > longest
    assert said["KillMode"] == "mixed"  # else the children are told to end, and a worker's do at once


@pytest.mark.parametrize("unit", ["footfall-web@.service", "footfall@.service"])
def test_nothing_runs_as_root(unit: str) -> None:
    assert section(unit, "Service")["User"] == "footfall"


def test_the_guide_starts_and_a_release_restarts_every_process() -> None:
    assert f"footfall@{{{','.join(OTHERS)}}}" in (PROJECT / "docs" / "install.md").read_text()
    assert f"for name in {' '.join(OTHERS)}; do" in (PROJECT / "deploy" / "release").read_text()
