"""A process of the Procfile, as systemd and containers start it."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from config.embedded import PROJECT
from config.process import command
from config.run import procfile


@pytest.mark.parametrize("name", [name for name in procfile() if name != "web"])
def test_a_process_is_the_procfiles_line_by_this_python(name: str) -> None:
    assert command(name, {}) == [sys.executable, "-m", *shlex.split(procfile()[name])]


@pytest.mark.parametrize(("environment", "port"), [({}, "8000"), ({"PORT": "8033"}, "8033")])
def test_the_web_process_listens_where_port_says(environment: dict[str, str], port: str) -> None:
    words = command("web", environment)
    assert words[words.index("--bind") + 1] == f"0.0.0.0:{port}"


def test_one_that_is_none_is_refused_with_the_names_of_those_that_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.process", "nothing"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "web, payments" in done.stderr
