"""An import goes on where it was: nothing is lost and nothing is stored twice, wherever it was stopped."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions_app.access_log import places, reading, service
from sessions_app.models import AccessLog, CrawlerDay, SessionEvent, VisitorSession
from tests.sessions_app.logs import (
    DAY,
    FIREFOX,
    GOOGLEBOT,
    MINUTE,
    import_files,
    line,
    log_of,
    rolled_back,
    stored,
)

pytestmark = pytest.mark.django_db
LOG = [line(n * 200, request=f"GET /{n} HTTP/1.1") for n in range(40)]


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """Blocks of two lines, batches of four views. For all examples of a property, so without `monkeypatch`."""
    usual = reading.LINES_AT_ONCE, service.BATCH, service.BLOCKS
    reading.LINES_AT_ONCE, service.BATCH, service.BLOCKS = 2, 4, 3
    yield
    reading.LINES_AT_ONCE, service.BATCH, service.BLOCKS = usual


class Stopped(Exception):
    """Kills the import between two blocks."""


def after(blocks: int) -> Callable[[int], None]:
    """For `advanced`: stops the import when it has read so many blocks."""
    left = iter(range(blocks))

    def advanced(_read: int) -> None:
        if next(left, None) is None:
            raise Stopped

    return advanced


def import_stopped(path: Path, *, blocks: int, report: Path | None = None) -> None:
    with pytest.raises(Stopped):
        import_files(path, advanced=after(blocks), report=report)


def told(path: Path) -> None:
    """The import is over for whoever began it."""
    with reading.open_log(str(path)) as log:
        places.told([places.key_of(log.beginning())])


def test_an_import_that_was_stopped_goes_on_near_there(tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", LOG)
    at_once = rolled_back(lambda: import_files(path))
    import_stopped(path, blocks=14)
    assert SessionEvent.objects.count() > 20

    tally = import_files(path)

    assert stored() == at_once
    assert tally.lines_before > 20
    assert tally.lines_before + tally.lines == 40


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 60, 290, 310, 1900]), st.integers(0, 2), st.sampled_from([0, 0, 1, 299])),
        min_size=1,
        max_size=40,
    ),
    stops=st.lists(st.integers(0, 20), max_size=4),
)
def test_wherever_it_is_stopped_the_views_are_the_same(
    tmp_path: Path, steps: list[tuple[int, int, int]], stops: list[int]
) -> None:
    """Equal lines, crawlers, and lines that come up to five minutes late among them."""
    times = [sum(step[0] for step in steps[: n + 1]) for n in range(len(steps))]
    log = [
        line(at - late, user_agent=GOOGLEBOT if who == 2 else FIREFOX, ip=f"198.51.100.{who}")
        for at, (_gap, who, late) in zip(times, steps, strict=True)
    ]
    path = log_of(tmp_path / "access.log", log)

    def in_pieces() -> None:
        for blocks in stops:
            with suppress(Stopped):
                import_files(path, advanced=after(blocks))
        import_files(path)

    assert rolled_back(in_pieces, views) == rolled_back(lambda: import_files(path), views)


def views() -> list[Any]:
    """Which there are, how many their visits count, and those of crawlers. Visits themselves may be cut in another way
    where so few views are held that some come late.
    """
    counted = VisitorSession.objects.aggregate(views=Sum("page_views"))["views"] or 0
    events = set(SessionEvent.objects.values_list("pk", flat=True))
    assert counted == len(events)
    return [events, *CrawlerDay.objects.order_by("day").values_list("day", "page_views")]


def test_a_log_that_has_grown_is_read_from_where_it_ended(tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", LOG[:30])
    import_files(path)
    at_once = rolled_back(lambda: import_files(log_of(tmp_path / "all.log", LOG), again=True))
    log_of(path, LOG)

    tally = import_files(path)

    assert (tally.added_page_views, tally.lines_before + tally.lines) == (10, 40)
    assert tally.lines_before >= 24
    assert stored() == at_once


@pytest.mark.parametrize("name", ["access.log.1", "access.log.1.gz"])
def test_a_rotated_log_is_known_by_its_lines_not_by_its_name(name: str, tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", LOG[:30])
    import_files(path)
    path.unlink()
    rotated = log_of(tmp_path / name, LOG)
    if name.endswith("gz"):
        rotated.write_bytes(gzip.compress(rotated.read_bytes()))
    log_of(path, [line(41 * 200)])

    tally = import_files(path, rotated)

    assert tally.lines_before >= 24
    assert tally.added_page_views == 11


@pytest.mark.parametrize(
    "now",
    [LOG[20:], LOG[:10], [LOG[0], *[line(DAY + n * 200) for n in range(50)]]],
    ids=["replaced", "truncated", "with the same first line"],
)
def test_a_log_that_is_another_is_read_from_the_start(now: list[bytes], tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", LOG)
    import_files(path)
    log_of(path, now)

    tally = import_files(path)

    assert (tally.lines_before, tally.lines) == (0, len(now))
    assert tally.added_page_views == len(set(now) - set(LOG))


def test_a_log_that_is_read_again_adds_nothing(tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", LOG)
    import_files(path)
    before = stored()

    tally = import_files(path, again=True)

    assert (tally.lines_before, tally.lines, tally.added_page_views) == (0, 40, 0)
    assert stored() == before


def test_standard_input_is_read_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log_of(tmp_path / "access.log", LOG)
    import_files(path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))

    tally = import_files(Path("-"), report=tmp_path / "refused.csv")

    assert (tally.lines_before, tally.lines, tally.added_page_views) == (0, 40, 0)


def test_equal_lines_on_both_sides_of_the_place_are_as_many_views(tmp_path: Path) -> None:
    log = [*LOG[:20], line(20 * 200), line(20 * 200), line(20 * 200), line(20 * 200)]
    path = log_of(tmp_path / "access.log", log[:22])
    import_files(path)
    log_of(path, log)

    assert import_files(path).added_page_views == 2


def test_a_log_of_crawlers_goes_on_too_and_counts_each_once(tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", [line(n * 200, user_agent=GOOGLEBOT) for n in range(40)])
    at_once = rolled_back(lambda: import_files(path))
    import_stopped(path, blocks=14)

    tally = import_files(path)

    assert tally.lines_before > 10
    assert stored() == at_once


def test_crawlers_of_a_day_that_was_rotated_are_added_up(tmp_path: Path) -> None:
    log = [line(n * 200, user_agent=GOOGLEBOT) for n in range(40)]
    path = log_of(tmp_path / "access.log", log)
    at_once = rolled_back(lambda: import_files(path))
    first, second = log_of(tmp_path / "access.log.1", log[:30]), log_of(path, log[30:])
    import_files(first)

    import_files(first, second)

    assert stored() == at_once


def test_what_a_stopped_import_refused_is_in_the_report_of_the_next(tmp_path: Path) -> None:
    report = tmp_path / "why.csv"
    path = log_of(tmp_path / "access.log", [LOG[0], b"first", *LOG[1:35], b"second", *LOG[35:]])
    import_stopped(path, blocks=14, report=report)

    tally = import_files(path, report=report)

    assert (tally.lines_before > 0, tally.malformed_before, tally.malformed) == (True, 1, 1)
    assert [row.split(",")[1] for row in report.read_text().splitlines()] == ["line", "2", "37"]


def test_what_was_refused_of_the_logs_before_the_stop_is_in_the_report_too(tmp_path: Path) -> None:
    report = tmp_path / "why.csv"
    first = log_of(tmp_path / "access.log.1", [LOG[0], b"first", *LOG[1:20]])
    second = log_of(tmp_path / "access.log", [*LOG[20:], b"second"])
    with pytest.raises(Stopped):
        import_files(first, second, advanced=after(14), report=report)

    tally = import_files(first, second, report=report)

    assert (tally.refused, tally.lines_before > 0) == (2, True)
    rows = [row.split(",")[:2] for row in report.read_text().splitlines()[1:]]
    assert rows == [[str(first), "2"], [str(second), "21"]]


def test_a_stopped_import_without_its_report_is_read_from_the_start(tmp_path: Path) -> None:
    report = tmp_path / "why.csv"
    path = log_of(tmp_path / "access.log", [LOG[0], b"first", *LOG[1:]])
    import_stopped(path, blocks=14, report=report)
    report.unlink()

    tally = import_files(path, report=report)

    assert (tally.lines_before, tally.malformed) == (0, 1)
    assert "first" not in report.read_text()
    assert ",2," in report.read_text()


def test_what_was_told_is_not_told_of_a_log_that_has_grown(tmp_path: Path) -> None:
    path = log_of(tmp_path / "access.log", [LOG[0], b"first", *LOG[1:30]])
    import_files(path)
    told(path)
    log_of(path, [LOG[0], b"first", *LOG[1:]])

    tally = import_files(path)

    assert (tally.lines_before > 0, tally.refused) == (True, 0)
    assert not (tmp_path / "refused.csv").exists()


def test_nothing_of_a_line_is_kept_but_a_keyed_digest(tmp_path: Path) -> None:
    import_files(log_of(tmp_path / "access.log", LOG))

    assert "198.51" not in repr(list(AccessLog.objects.values()))


def test_rotated_logs_are_read_in_the_order_of_their_beginnings(tmp_path: Path) -> None:
    at_once = rolled_back(lambda: import_files(log_of(tmp_path / "all.log", LOG)))
    parts = [log_of(tmp_path / f"access.log.{n}", LOG[10 * n : 10 * n + 10]) for n in (2, 0, 3, 1)]
    empty = log_of(tmp_path / "access.log", [])

    tally = import_files(empty, *parts)

    assert stored() == at_once
    assert (tally.files, tally.lines, tally.sessions) == (5, 40, 1)


def test_a_line_that_stands_in_two_logs_is_one_view(tmp_path: Path) -> None:
    one, other = log_of(tmp_path / "a", [line(), line(MINUTE)]), log_of(tmp_path / "b", [line(MINUTE), line(MINUTE)])

    assert import_files(one, other).added_page_views == 3


def test_one_file_that_is_no_log_keeps_all_from_being_imported(tmp_path: Path) -> None:
    log, other = log_of(tmp_path / "access.log", LOG), log_of(tmp_path / "error.log", [b"what?"])

    with pytest.raises(service.NotALogError, match=r"error\.log: none of 1 lines"):
        import_files(log, other)

    assert not SessionEvent.objects.exists()


def test_damage_further_on_is_refused_and_the_other_logs_are_read(tmp_path: Path) -> None:
    half = tmp_path / "access.log.1.gz"
    half.write_bytes(gzip.compress(b"\n".join(LOG) + b"\n")[:-9])
    following = log_of(tmp_path / "access.log", [line(DAY)])

    tally = import_files(following, half)

    assert tally.reasons == {"the file cannot be read to its end": 1}
    assert tally.added_page_views == 41


@pytest.mark.parametrize("cut", [1, 30, len(FIREFOX) + 2, len(FIREFOX) + 6])
def test_a_last_line_that_is_still_being_written_is_refused_and_taken_when_it_is_whole(
    cut: int, tmp_path: Path
) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"\n".join(LOG)[:-cut])

    first = import_files(path)
    second = import_files(log_of(path, LOG))

    assert first.reasons == {"the last line is cut off, or still being written": 1}
    assert (second.added_page_views, SessionEvent.objects.count()) == (1, 40)


def test_a_last_line_without_its_end_is_taken_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"\n".join(LOG))

    assert import_files(path).added_page_views == 40


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([*LOG, b""]))

    assert import_files(path).page_views == 40
