"""docs/ops.md: its table of jobs is the schedule."""

from __future__ import annotations

import re

import pytest

from config.embedded import PROJECT
from config.schedule import SCHEDULE, Job
from tests.docs.pages import text_of

TABLE = text_of(PROJECT / "docs" / "ops.md").partition("\n## Jobs\n")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| (?P<names>[a-z_, ]+)(?: \([^|]*\))? \| (?P<every>[^|]+) \|$", re.M)
EVERY = {
    name: row["every"] for row in ROW.finditer(TABLE) if row["names"] != "job" for name in row["names"].split(", ")
}


def said(job: Job) -> str:
    """When it runs, as people say it."""
    if job.crontab is None:
        amount, unit = next((job.seconds // length, unit) for unit, length in UNITS if job.seconds % length == 0)
        return f"{amount} {unit}"
    minute, hour = job.crontab
    if hour == "*":
        return "1 h"
    at = f"{hour.partition('-')[0]:>02}:{minute.replace('*/10', '0'):>02} shop time"
    return f"{DAYS[job.weekday]}{at}"


UNITS = (("h", 3600), ("min", 60), ("s", 1))
DAYS = {"*": "", "mon": "Mondays, "}


def test_every_job_stands_in_the_table_and_nothing_else() -> None:
    assert sorted(EVERY) == sorted(job.name for job in SCHEDULE)


@pytest.mark.parametrize("job", SCHEDULE, ids=lambda job: job.name)
def test_it_runs_when_the_table_says(job: Job) -> None:
    assert EVERY[job.name] == said(job)
