"""The processes of `make run` are for this machine alone unless somebody says otherwise."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from config.embedded import note_port, noted_port
from config.run import placed, procfile, program


def test_the_web_process_listens_where_bind_says() -> None:
    words = shlex.split(placed(procfile()["web"]))
    assert words[words.index("--bind") + 1] == "%(ENV_BIND)s:%(ENV_PORT)s"


def test_the_hosts_of_workers_are_written_as_supervisor_reads_them() -> None:
    assert "--hostname background@%%h" in program("background", placed(procfile()["background"]), None, autostart=False)


def test_the_port_is_noted_while_the_shop_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    note_port("8061")
    assert noted_port() == 8061


def test_no_port_is_noted_when_the_shop_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    note_port("8061")
    note_port(None)
    assert noted_port() is None
