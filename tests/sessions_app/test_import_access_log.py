import gzip
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analytics import touched
from analytics.models import DailyMetrics
from analytics.services import refresh_touched
from core.clock import now
from sessions_app.models import VisitorSession
from tests.database import database_away

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux) Firefox/128.0"
LOG = f"""\
198.51.100.7 - - [10/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 9 "https://www.google.com/" "{FIREFOX}"
198.51.100.7 - - [10/Mar/2026:12:00:01 +0000] "GET /logo.png HTTP/1.1" 200 9 "http://shop.example/" "{FIREFOX}"
198.51.100.7 - - [10/Mar/2026:12:29:59 +0000] "GET /a HTTP/1.1" 304 0 "-" "{FIREFOX}"
198.51.100.7 - - [11/Mar/2026:12:29:59 +0000] "GET /b HTTP/1.1" 200 9 "http://shop.example/" "{FIREFOX}"
198.51.100.9 - - [11/Mar/2026:12:30:00 +0000] "GET / HTTP/1.1" 200 9 "-" "curl/8.5.0"
""".encode()


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "access.log"
    path.write_bytes(LOG)
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A log with a line that is none."""
    path = tmp_path / "broken.log"
    path.write_bytes(LOG + b"what?\n" + LOG.splitlines(keepends=True)[0].replace(b"Mar", b"Mai"))
    return path


def run(*arguments: object) -> str:
    stdout = io.StringIO()
    call_command("import_access_log", *map(str, arguments), stdout=stdout, stderr=io.StringIO())
    return stdout.getvalue()


def test_json_has_the_counts(path: str) -> None:
    assert json.loads(run(path, "--json")) == {
        "files": 1,
        "lines": 5,
        "linesBefore": 0,
        "malformed": 0,
        "malformedBefore": 0,
        "reasons": {},
        "ignored": 1,
        "crawlerPageViews": 1,
        "pageViews": 3,
        "pageViewsWithoutUserAgent": 0,
        "newPageViews": 3,
        "sessions": 2,
        "newSessions": 2,
        "visitors": 1,
        "firstTime": "2026-03-10T12:00:00Z",
        "lastTime": "2026-03-11T12:30:00Z",
        "days": ["2026-03-10", "2026-03-11"],
        "report": None,
    }


def test_the_second_time_nothing_is_added_and_no_day_is_made_anew(path: str) -> None:
    first = json.loads(run(path, "--json"))
    before = list(VisitorSession.objects.order_by("pk").values())

    assert json.loads(run(path, "--json")) == first | {"newPageViews": 0, "newSessions": 0, "days": []}
    assert list(VisitorSession.objects.order_by("pk").values()) == before


def test_gzip_gives_the_same(path: str, tmp_path: Path) -> None:
    zipped = tmp_path / "access.log.1"
    zipped.write_bytes(gzip.compress(LOG))
    run(zipped)

    assert json.loads(run(path, "--json"))["newPageViews"] == 0


def test_several_logs_are_one_table(path: str, tmp_path: Path) -> None:
    other = tmp_path / "access.log.1"
    other.write_bytes(LOG.replace(b"/Mar/", b"/Feb/"))

    figures = json.loads(run(path, other, path, "--json"))

    assert (figures["files"], figures["pageViews"]) == (2, 6)
    assert figures["firstTime"] == "2026-02-10T12:00:00Z"


def test_refused_lines_are_reported_beside_the_log_and_the_others_are_stored(broken: Path) -> None:
    with pytest.raises(CommandError, match=r"Lines refused: 2. Why: .*refused\.broken\.log\.csv") as error:
        run(broken)

    assert error.value.returncode == 1
    report = broken.with_name("refused.broken.log.csv")
    assert report.read_text().splitlines() == [
        "file,line,reason",
        f"{broken},6,not of the combined or common format",
        f"{broken},7,there is no such time: 10/Mai/2026:12:00:00 +0000",
    ]
    assert VisitorSession.objects.count() == 2


def test_the_table_counts_refused_lines_by_their_reasons(broken: Path) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_access_log", str(broken), stdout=stdout, stderr=stderr)

    assert "there is no such time " in stdout.getvalue()
    assert stderr.getvalue().splitlines()[0] == f"{broken}, line 6: not of the combined or common format"


def test_only_the_first_few_refused_lines_are_shown(path: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.log"
    broken.write_bytes(LOG + b"what?\n" * 20)
    stderr = io.StringIO()
    with pytest.raises(CommandError, match="Lines refused: 20"):
        call_command("import_access_log", str(broken), stdout=io.StringIO(), stderr=stderr)

    assert len(stderr.getvalue().splitlines()) == 5


def test_the_report_can_go_elsewhere(broken: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Lines refused: 2"):
        run(broken, "--report", tmp_path / "why.csv")

    assert "no such time" in (tmp_path / "why.csv").read_text()


def test_the_report_does_not_take_the_place_of_a_log(path: str) -> None:
    with pytest.raises(CommandError, match="take the place"):
        run(path, "--report", path)

    assert (Path(path).read_bytes(), VisitorSession.objects.exists()) == (LOG, False)


def test_a_report_that_cannot_be_written_is_said_before_anything_is_stored(path: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot be written down .*--report"):
        run(path, "--report", tmp_path / "nowhere" / "why.csv")

    assert not VisitorSession.objects.exists()


def test_a_report_of_an_earlier_import_goes(path: str) -> None:
    report = Path(path).with_name("refused.access.log.csv")
    report.write_text("old")

    run(path)

    assert not report.exists()


def test_a_file_that_is_no_log_takes_no_report_away(path: str, tmp_path: Path) -> None:
    report = tmp_path / "refused.access.log.csv"
    report.write_text("of the import before")
    other = tmp_path / "prices.csv"
    other.write_text("name,price\n")

    with pytest.raises(CommandError, match="none of 1 lines"):
        run(path, other)

    assert report.read_text() == "of the import before"


def test_what_was_refused_is_told_again_by_who_reads_again(broken: Path) -> None:
    for _time in range(2):
        with pytest.raises(CommandError, match="Lines refused: 2"):
            run(broken, "--again")


def test_people_get_a_table(path: str) -> None:
    assert "Page views of crawlers" in run(path)


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

    with pytest.raises(CommandError, match="Line 1: not of the combined or common format"):
        run(path)
    assert list(tmp_path.iterdir()) == [path]


def test_without_its_database_it_fails(path: str) -> None:
    with database_away(), pytest.raises(CommandError):
        run(path)


def interrupted(**_arguments: Any) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_says_how_far_it_came(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "aggregate_day", interrupted)

    with pytest.raises(CommandError, match="5 lines were read, 3 new page views are stored") as caught:
        run(path)
    assert caught.value.returncode == 130


def test_days_whose_metrics_were_not_made_are_made_by_the_next_run_of_the_job(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(touched, "aggregate_day", interrupted)
        with pytest.raises(CommandError, match="Stopped"):
            run(path)

    assert {date(2026, 3, 10), date(2026, 3, 11)} <= set(refresh_touched(now=now()))
