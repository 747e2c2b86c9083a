"""What `docker-compose.yml` and the `Dockerfile` say fits the processes that they start. No Docker is needed; a client
that is there is asked.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml
from django.conf import settings

from config.check import CHECKS
from config.embedded import PROJECT
from config.run import procfile

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGE = (PROJECT / "Dockerfile").read_text().splitlines()
WORKERS = [name for name, line in procfile().items() if "celery" in line and name != "beat"]
GRACE_OF_WEB_SECONDS = 30
"""gunicorn's own, `--graceful-timeout`."""


def started(name: str) -> list[str]:
    """How a process is started in a container."""
    return ["python", "-m", "config.process", name]


def seconds_of_grace(name: str) -> int:
    """Between being told to stop and being killed."""
    return int(SERVICES[name]["stop_grace_period"].removesuffix("s"))


def test_every_process_is_a_service_and_no_other_is() -> None:
    assert set(SERVICES) - {"postgres", "redis", "prepare"} == set(procfile())


@pytest.mark.parametrize("name", [name for name in procfile() if name != "web"])
def test_a_service_starts_the_process_of_its_name(name: str) -> None:
    assert SERVICES[name]["command"] == started(name)


def test_the_image_starts_web() -> None:
    assert IMAGE[-1] == f"CMD {started('web')}".replace("'", '"')


def test_nothing_runs_as_root() -> None:
    users = [line.partition(" ")[2] for line in IMAGE if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("0", "root")
    assert not [name for name in procfile() if "user" in SERVICES[name]]


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_not_killed_before_its_longest_job_is_over(name: str) -> None:
    assert seconds_of_grace(name) > settings.CELERY_TASK_TIME_LIMIT


def test_web_is_not_killed_before_its_longest_request_is_over() -> None:
    assert seconds_of_grace("web") > GRACE_OF_WEB_SECONDS


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_asked_by_the_name_that_it_has(name: str) -> None:
    assert f"--hostname {name}@%h" in procfile()[name]
    assert SERVICES[name]["healthcheck"]["test"][-1].endswith(f"inspect ping --destination {name}@$$HOSTNAME")


@pytest.mark.parametrize("name", procfile())
def test_whatever_a_process_leaves_behind_is_taken_note_of(name: str) -> None:
    assert SERVICES[name]["init"] is True


def test_compose_takes_the_file() -> None:
    if which("docker") is None or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("NOT RUN: there is no Docker Compose")
    done = subprocess.run(["docker", "compose", "config", "--quiet"], cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def linter(name: str) -> list[str]:
    """The command of `make check` that looks at it."""
    (check,) = [check for check in CHECKS if check.name == name]
    if which(check.command[0]) is None:
        pytest.skip(f"NOT RUN: {check.command[0]} is not installed")
    return check.command


@pytest.mark.parametrize(
    ("name", "file", "wrong"),
    [
        ("image", "Dockerfile", "FROM python\nRUN cd /tmp\n"),
        ("containers", "docker-compose.yml", "services: {web: {image: footfall, prots: []}}\n"),
    ],
)
def test_control_the_linter_finds_what_is_wrong(name: str, file: str, wrong: str, tmp_path: Path) -> None:
    command = linter(name)
    (tmp_path / file).write_text(wrong)
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1
