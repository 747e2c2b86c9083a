import gzip
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analytics.management.commands import import_access_log
from analytics.models import DailyMetrics
from sessions_app.models import VisitorSession

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux) Firefox/128.0"
LOG = f"""\
198.51.100.7 - - [10/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 9 "https://www.google.com/" "{FIREFOX}"
198.51.100.7 - - [10/Mar/2026:12:00:01 +0000] "GET /logo.png HTTP/1.1" 200 9 "http://shop.example/" "{FIREFOX}"
198.51.100.7 - - [10/Mar/2026:12:29:59 +0000] "GET /a HTTP/1.1" 304 0 "-" "{FIREFOX}"
broken
198.51.100.7 - - [11/Mar/2026:12:29:59 +0000] "GET /b HTTP/1.1" 200 9 "http://shop.example/" "{FIREFOX}"
198.51.100.9 - - [11/Mar/2026:12:30:00 +0000] "GET / HTTP/1.1" 200 9 "-" "curl/8.5.0"
""".encode()


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "access.log"
    path.write_bytes(LOG)
    return str(path)


def run(*arguments: str) -> tuple[str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("import_access_log", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


def test_json_has_the_counts_of_the_log(path: str) -> None:
    stdout, _stderr = run(path, "--json")

    assert json.loads(stdout) == {
        "lines": 6,
        "malformed": 1,
        "ignored": 1,
        "crawlerPageViews": 1,
        "pageViews": 3,
        "sessions": 2,
        "visitors": 1,
        "firstTime": "2026-03-10T12:00:00Z",
        "lastTime": "2026-03-11T12:30:00Z",
    }


def test_the_second_time_the_counts_are_the_same_and_nothing_is_added(path: str) -> None:
    first = run(path, "--json")
    before = list(VisitorSession.objects.order_by("pk").values())

    assert run(path, "--json") == first
    assert list(VisitorSession.objects.order_by("pk").values()) == before


def test_gzip_gives_the_same(path: str, tmp_path: Path) -> None:
    zipped = tmp_path / "access.log.1"
    zipped.write_bytes(gzip.compress(LOG))

    assert run(str(zipped), "--json") == run(path, "--json")


def test_malformed_lines_are_reported_with_their_number(path: str) -> None:
    _stdout, stderr = run(path)

    assert stderr == "line 4: not of the combined format\n"


def test_people_get_a_table(path: str) -> None:
    stdout, _stderr = run(path)

    assert "Page views of crawlers" in stdout


def test_the_days_are_on_the_dashboard(path: str) -> None:
    run(path)

    days = DailyMetrics.objects.order_by("date").values_list(
        "date", "total_visits", "total_page_views", "new_users", "crawler_page_views"
    )
    assert list(days) == [(date(2026, 3, 10), 1, 2, 1, 0), (date(2026, 3, 11), 1, 1, 0, 1)]


def test_the_host_of_the_log_can_be_named(path: str) -> None:
    run(path, "--host", "shop.example")

    assert list(VisitorSession.objects.order_by("pk").values_list("channel", flat=True)) == [
        "organic search",
        "direct",
    ]


def test_a_file_that_is_not_there_fails() -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("/nowhere/access.log")


def test_a_file_that_is_no_log_fails(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("name,price\nshoe,4\n")

    with pytest.raises(CommandError, match="Line 1: not of the combined format"):
        run(str(path))


def test_ctrl_c_says_how_far_it_came(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_access_log, "aggregate_day", interrupted)

    with pytest.raises(CommandError, match="6 lines were read, 3 new page views are stored") as caught:
        run(path)
    assert caught.value.returncode == 130
