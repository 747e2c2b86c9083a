"""A command that cannot go on says so in a sentence: Ctrl-C, and PostgreSQL or Redis away. Every command of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import UUID

import pytest
from django.core.management import get_commands

from config.embedded import PROJECT
from tests.core.ending import PORT, Ending, endings_of
from tests.docs.test_pages import OUR_APPS

SOMEBODY, SOME_ID = "ada@example.com", str(UUID(int=1))
LINE = '203.0.113.9 - - [30/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 9 "-" "Mozilla/5.0 Chrome/130.0"\n'
ARGUMENTS = {
    "backup": ["{folder}/new"],
    "erase_again": ["{folder}/web.log"],
    "erase_customer": [SOMEBODY, "--yes"],
    "erase_visitor": [SOME_ID, "--yes"],
    "export_customer": [SOMEBODY],
    "export_visitor": [SOME_ID],
    "import_access_log": ["{folder}/access.log"],
    "import_orders": ["{folder}/orders.csv"],
    "import_products": ["{folder}/products.csv"],
    "inspect_order": [SOME_ID],
    "inspect_session": [SOME_ID],
    "reset_second_factor": [SOMEBODY],
    "restore": ["{folder}/backup", "--yes"],
    "simulate_traffic": ["--visitors", "1", "--url", f"http://127.0.0.1:{PORT}"],
}
"""What a command must be given; the others run without."""
OURS = sorted(name for name, app in get_commands().items() if app in OUR_APPS)
NOT_POSTGRESQL = {
    "backup": "pg_dump failed",
    "cache_stats": "Redis is away",
    "flush_events": "Redis is away",
    "simulate_traffic": "does not answer like a shop",
}
"""Who misses somebody else, and what it says."""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """All commands, each as it is typed."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "access.log").write_text(LINE)
    (folder / "web.log").write_text(f"INFO core.personal_data [-] erased: customer_id={SOME_ID}\n")
    (folder / "products.csv").write_text("sku,name,price\nA-1,Mug,9.00\n")
    (folder / "orders.csv").write_text("number,placed_at,total\n1,2026-11-30,9.00\n")
    return [[name, *(word.replace("{folder}", str(folder)) for word in ARGUMENTS.get(name, []))] for name in OURS]


@pytest.fixture(scope="module")
def away(lines: list[list[str]]) -> dict[str, Ending]:
    """How each ends where nobody is."""
    return dict(zip(OURS, endings_of("away", lines), strict=True))


@pytest.fixture(scope="module")
def stopped(lines: list[list[str]]) -> dict[str, Ending]:
    """How each ends by Ctrl-C."""
    return dict(zip(OURS, endings_of("stopped", lines), strict=True))


@pytest.mark.parametrize("name", OURS)
def test_without_postgresql_and_redis_it_says_so(name: str, away: dict[str, Ending]) -> None:
    ended = away[name]
    assert NOT_POSTGRESQL.get(name, "PostgreSQL cannot be asked") in ended.err
    assert "Traceback" not in ended.err
    assert (ended.code, ended.out) == (1, "")


@pytest.mark.parametrize("name", OURS)
def test_ctrl_c_ends_it_with_130_and_a_sentence(name: str, stopped: dict[str, Ending]) -> None:
    ended = stopped[name]
    assert "CommandError: Stopped." in ended.err
    assert "Traceback" not in ended.err
    assert ended.code == 130


def test_asked_for_the_traceback_is_shown() -> None:
    (ended,) = endings_of("away", [["cache_stats", "--traceback"]])
    assert "Traceback" in ended.err
    assert "RedisAwayError" in ended.err
    assert ended.code == 1


def test_who_reads_no_further_has_read_enough() -> None:
    unread, write = os.pipe()
    os.close(unread)
    done = subprocess.run([sys.executable, "manage.py", "help"], cwd=PROJECT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_command_line_of_the_project_is_this_one() -> None:
    assert "endings.run(sys.argv)" in (PROJECT / "manage.py").read_text()
