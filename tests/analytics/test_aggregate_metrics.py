"""`manage.py aggregate_metrics`, and the jobs."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from analytics import tasks
from analytics.management.commands.aggregate_metrics import stretches
from analytics.models import DailyMetrics, RealtimeMetrics
from analytics.services import aggregate_day, freeze_days
from tests.analytics.days import DAY, NEXT_MORNING, at, visit

pytestmark = pytest.mark.django_db
END_MY_CONNECTION = """
CREATE FUNCTION end_my_connection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NEW;
END $$;
CREATE TRIGGER end_my_connection BEFORE INSERT ON analytics_dailymetrics FOR EACH ROW
    WHEN (NEW.date = '2026-03-10') EXECUTE FUNCTION end_my_connection();
"""


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


def test_it_says_of_which_days_it_counted_orders_alone_and_does_not_fail() -> None:
    visit(at(9) - timedelta(days=1)), visit(at(9))
    freeze_days(before=DAY, now=NEXT_MORNING)
    text = run("--from", "2026-03-08", "--to", "2026-03-10")
    assert text.splitlines()[1] == "Frozen, of which only orders were counted: 2026-03-09."
    assert text.startswith("2 days, 2026-03-08 to 2026-03-10")
    answer = json.loads(run("--from", "2026-03-09", "--to", "2026-03-10", "--json"))
    assert (answer["days"], answer["frozen"]) == (1, ["2026-03-09"])


def test_days_in_a_row_are_said_as_one() -> None:
    days = [DAY + timedelta(days=n) for n in (0, 1, 2, 4, 6, 7)]
    assert stretches(days) == ["2026-03-10 to 2026-03-12", "2026-03-14", "2026-03-16 to 2026-03-17"]


def interrupted_at(day: date, problem: BaseException) -> Callable[..., DailyMetrics]:
    """`aggregate_day`, but on one day something is in the way."""

    def computed(**asked: Any) -> DailyMetrics:
        if asked["day"] == day:
            raise problem
        return aggregate_day(**asked)

    return computed


@pytest.mark.parametrize(
    ("problem", "text", "code"),
    [
        (KeyboardInterrupt(), "Stopped. ", 130),
        (OperationalError("the connection is closed"), "PostgreSQL cannot be asked: the connection is closed\n", 1),
    ],
)
def test_a_run_that_is_stopped_says_how_far_it_came_and_goes_on_there(
    monkeypatch: pytest.MonkeyPatch, problem: BaseException, text: str, code: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("analytics.services.ranges.aggregate_day", interrupted_at(DAY, problem))
        with pytest.raises(CommandError) as stopped:
            run("--from", "2026-03-08", "--to", "2026-03-12")
    assert stopped.value.returncode == code
    assert str(stopped.value) == (
        f"{text}2 of 5 days are computed, the last one 2026-03-09. Go on with: manage.py aggregate_metrics --resume"
    )
    assert run("--resume").startswith("3 days, 2026-03-10 to 2026-03-12")
    assert DailyMetrics.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_connection_ends_says_so() -> None:
    """For real: PostgreSQL ends it while the second day is computed."""
    with connection.cursor() as cursor:
        cursor.execute(END_MY_CONNECTION)
    try:
        with pytest.raises(CommandError, match="\n1 of 3 days are computed, the last one 2026-03-09"):
            run("--from", "2026-03-09", "--to", "2026-03-11")
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION end_my_connection CASCADE")


def test_there_may_be_nothing_to_go_on_with() -> None:
    run("--from", "2026-03-10", "--to", "2026-03-10")
    with pytest.raises(CommandError, match="No run was stopped"):
        run("--resume")


def test_what_is_gone_on_with_has_its_own_days() -> None:
    with pytest.raises(CommandError, match="leave out --from and --to"):
        run("--resume", "--from", "2026-03-10")


def test_the_jobs_run_under_the_names_of_the_schedule() -> None:
    with time_machine.travel(at(0, 10), tick=False):
        for task in (tasks.aggregate_yesterday, tasks.aggregate_today, tasks.update_realtime_metrics):
            task()
    assert set(DailyMetrics.objects.values_list("is_final", flat=True)) == {True, False}
    assert RealtimeMetrics.objects.count() == 1
    assert tasks.aggregate_today.name == "analytics.tasks.aggregate_today"
