"""The line of docs/install.md that makes a backup each night, in a folder laid out as the guide has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config.embedded import PROJECT
from core.clock import now
from tests.promises.processes import environment

pytestmark = pytest.mark.django_db(transaction=True)
LINE = re.compile(r"^ *30 3 \* \* \* footfall (?P<command>.+)$", re.M)
KEPT = timedelta(days=14)


def command(home: Path) -> str:
    """What cron gives to the shell (it takes `\\%` for `%`), with another home."""
    found = LINE.search((PROJECT / "docs" / "install.md").read_text())
    assert found is not None
    return found["command"].replace(r"\%", "%").replace("/srv/footfall", str(home))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A release, `current` that leads to it, and backups."""
    release = tmp_path / "releases" / "0f00ba2"
    release.mkdir(parents=True)
    (release / "manage.py").symlink_to(PROJECT / "manage.py")
    (release / ".venv").symlink_to(sys.prefix)
    (tmp_path / "current").symlink_to(release)
    (tmp_path / "backups").mkdir()
    return tmp_path


def a_backup(home: Path, name: str, age: timedelta) -> Path:
    """One that was made so long ago."""
    file = home / "backups" / name
    file.touch()
    made = (now() - age).timestamp()
    os.utime(file, (made, made))
    return file


def test_it_makes_one_and_deletes_those_that_are_older_than_said(home: Path) -> None:
    old = a_backup(home, "before-0f00ba2-20260101000000", KEPT + timedelta(days=2))
    young = a_backup(home, "young", KEPT - timedelta(days=1))
    done = subprocess.run(["/bin/sh", "-c", command(home)], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    (made,) = set((home / "backups").iterdir()) - {young}
    assert made != old
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made.name)
    assert made.stat().st_size > 0
