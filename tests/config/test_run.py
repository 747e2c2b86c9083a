"""The processes of `make run` are for this machine alone unless somebody says otherwise."""

from __future__ import annotations

import shlex

from config.run import placed, procfile, program


def test_the_web_process_listens_where_bind_says() -> None:
    words = shlex.split(placed(procfile()["web"]))
    assert words[words.index("--bind") + 1] == "%(ENV_BIND)s:%(ENV_PORT)s"


def test_the_hosts_of_workers_are_written_as_supervisor_reads_them() -> None:
    assert "--hostname background@%%h" in program("background", placed(procfile()["background"]), None, autostart=False)
