"""`manage.py aggregate_metrics`, and the jobs."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from analytics import tasks
from analytics.models import DailyMetrics, RealtimeMetrics
from tests.analytics.days import DAY, at, visit

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("aggregate_metrics", *words, stdout=out)
    return out.getvalue()


def test_it_computes_the_days_asked_for() -> None:
    visit(at(9))
    text = run("--from", "2026-03-09", "--to", "2026-03-11")
    assert text.startswith("3 days, 2026-03-09 to 2026-03-11")
    assert DailyMetrics.objects.get(date=DAY).total_visits == 1


def test_it_speaks_json_to_machines() -> None:
    answer = json.loads(run("--from", "2026-03-10", "--to", "2026-03-10", "--json"))
    assert (answer["from"], answer["to"], answer["days"]) == ("2026-03-10", "2026-03-10", 1)


def test_without_days_it_computes_all_history_until_today() -> None:
    visit(at(9) - timedelta(days=2))
    with time_machine.travel(at(14), tick=False):
        run("--json")
    assert DailyMetrics.objects.count() == 3


def test_a_range_that_ends_before_it_begins_fails_with_a_sentence() -> None:
    with pytest.raises(CommandError, match="ends before it begins"):
        run("--from", "2026-03-10", "--to", "2026-03-09")


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid fromisoformat value: 'monday'"):
        run("--from", "monday")


def test_the_jobs_run_under_the_names_of_the_schedule() -> None:
    with time_machine.travel(at(0, 10), tick=False):
        for task in (tasks.aggregate_yesterday, tasks.aggregate_today, tasks.update_realtime_metrics):
            task()
    assert set(DailyMetrics.objects.values_list("is_final", flat=True)) == {True, False}
    assert RealtimeMetrics.objects.count() == 1
    assert tasks.aggregate_today.name == "analytics.tasks.aggregate_today"
