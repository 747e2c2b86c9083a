from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.spreadsheets import CellError
from orders.transfer.dates import moment_reader

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONDON, NEW_YORK = "Europe/London", "America/New_York"


def moment(said: str, written: str = "year-month-day") -> str | None:
    found = moment_reader(written, now=NOW)(said)
    return f"{found:%Y-%m-%d %H:%M:%S}" if found else None


@pytest.fixture(autouse=True)
def _zone(settings: Any) -> None:
    settings.SHOP_TIME_ZONE = LONDON


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2026-01-02", "2026-01-02 00:00:00"),
        ("2026-01-02 14:30", "2026-01-02 14:30:00"),
        ("2026-01-02T14:30:05.123Z", "2026-01-02 14:30:05"),
        ("2025-07-02 14:30", "2025-07-02 13:30:00"),
        ("2025-07-02", "2025-07-01 23:00:00"),
        ("2026-01-02 14:30:00 +0545", "2026-01-02 08:45:00"),
        ("2026-01-02 14:30-03:30", "2026-01-02 18:00:00"),
        ("2026/1/2, 9:05", "2026-01-02 09:05:00"),
    ],
)
def test_a_moment_is_of_the_shops_clock_unless_it_has_an_offset(said: str, utc: str) -> None:
    assert moment(said) == utc


@pytest.mark.parametrize(
    ("said", "written", "utc"),
    [
        ("12/1/10 8:26", "month/day/year", "2010-12-01 08:26:00"),
        ("12/1/10 8:26", "day/month/year", "2010-01-12 08:26:00"),
        ("01.02.2026", "day/month/year", "2026-02-01 00:00:00"),
        ("1/2/2026 12:05 AM", "month/day/year", "2026-01-02 00:05:00"),
        ("1/2/2026 12:05 p.m.", "month/day/year", "2026-01-02 12:05:00"),
        ("1/2/99", "month/day/year", "1999-01-02 00:00:00"),
    ],
)
def test_how_days_are_written_is_said_not_guessed(said: str, written: str, utc: str) -> None:
    assert moment(said, written) == utc


def test_an_empty_cell_is_no_moment() -> None:
    assert moment("  ") is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("12/1/10", r"must be a time such as 2026-03-28 14:30"),
        ("yesterday", "must be a time such as"),
        ("45292.5", "must be a time such as"),
        ("2026-02-29", "is no time: day is out of range"),
        ("2026-01-02 24:00", "is no time: hour must be"),
        ("2026-01-02 14:30 +9900", "is no time"),
        ("1970-01-01", "lies before 1990"),
        ("2026-03-01 12:01", "lies in the future"),
        ("2099-01-01", "lies in the future"),
        ("٢٠٢٦-01-02", "must be a time such as"),
    ],
)
def test_what_is_no_moment_is_refused(said: str, reason: str) -> None:
    with pytest.raises(CellError, match=reason):
        moment(said)


@pytest.mark.parametrize("said", ["1/2/26 0:30 AM", "1/2/26 13:30 PM"])
def test_a_clock_of_twelve_hours_has_twelve(said: str) -> None:
    with pytest.raises(CellError, match=r"hour must be in 1\.\.12"):
        moment(said, "month/day/year")


def test_a_time_that_the_clock_never_shows_is_refused() -> None:
    with pytest.raises(CellError, match="is no time in Europe/London: the clock was put forward over it"):
        moment("2025-03-30 01:30")


def test_of_a_time_that_the_clock_shows_twice_the_first_is_meant() -> None:
    assert moment("2025-10-26 01:30") == "2025-10-26 00:30:00"


def test_a_time_that_exists_twice_can_be_told_by_its_offset() -> None:
    assert moment("2025-10-26 01:30 +0000") == "2025-10-26 01:30:00"
