"""Who is sent the weekly report: those who want it and may see it, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core import mail as django_mail
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from analytics.models import StaffSubscription
from analytics.tasks import send_weekly_reports
from analytics.weekly import letters
from analytics.weekly.sending import queue_weekly_reports
from core import mail
from core.models import Mail
from customers.models import User
from tests.analytics.days import at, computed, purchase, visit
from tests.analytics.staff import member
from tests.analytics.weeks import FIGURES, KIND, MONDAY, WEEK, reader
from tests.factories import UserFactory
from tests.world import together

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


def queued() -> list[str]:
    """Whom a report was written to."""
    return sorted(Mail.objects.filter(kind=letters.WEEKLY_REPORT).values_list("recipient", flat=True))


def command(*words: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("weekly_report", *words, stdout=out)
    return out.getvalue()


def test_those_who_want_it_and_may_see_figures_get_it() -> None:
    wants = reader()
    reader(is_active=False), reader(is_staff=False), member(FIGURES)
    StaffSubscription.objects.create(user=member(), kind=KIND)
    StaffSubscription.objects.create(user=member(FIGURES), kind=StaffSubscription.Kind.ALERTS)
    send_weekly_reports()
    assert queued() == [wants.email]


def test_it_comes_once_a_week_however_often_and_late_the_job_runs() -> None:
    reader()
    for later in (timedelta(), timedelta(minutes=1), timedelta(days=6)):
        queue_weekly_reports(now=MONDAY + later)
    assert len(queued()) == 1
    queue_weekly_reports(now=MONDAY + timedelta(days=7))
    assert len(queued()) == 2


def test_two_statements_write_the_mails_to_all(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _number in range(4):
        reader()
    with django_assert_num_queries(2):
        queue_weekly_reports(now=MONDAY)
    assert len(queued()) == 4


def crowd_of_jobs() -> int:
    """How many mails five jobs at once write to three people."""
    for _number in range(3):
        StaffSubscription.objects.create(user=UserFactory(is_staff=True, is_superuser=True), kind=KIND)
    together(5, lambda _place: queue_weekly_reports(now=MONDAY))
    return len(queued())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_jobs_at_once_send_one_each() -> None:
    assert crowd_of_jobs() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_control_without_the_key_they_send_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "about", partial(letters.about, once=False))
    assert crowd_of_jobs() == 15


def test_it_goes_out_with_pictures_and_a_way_to_stop_it() -> None:
    user, tuesday = reader(), at(9) - timedelta(days=7)
    purchase(visit(tuesday), paid=tuesday, subtotal=77)
    computed(tuesday.date(), MONDAY)
    send_weekly_reports()
    assert mail.send_due(now=MONDAY) == 1
    message: Any = django_mail.outbox[0]
    assert (message.to, "£77.00" in message.body) == ([user.email], True)
    assert message.extra_headers["List-Unsubscribe"].endswith("/admin/analytics/staffsubscription/>")
    assert [part.get_content_type() for part in message.message().get_payload()][1:] == ["image/png", "image/png"]


@pytest.mark.parametrize("gone", ["unticked", "deactivated", "deleted"])
def test_who_is_gone_before_it_is_sent_gets_none(gone: str) -> None:
    user = reader()
    send_weekly_reports()
    match gone:
        case "unticked":
            StaffSubscription.objects.all().delete()
        case "deactivated":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case _:
            user.delete()
    assert mail.send_due(now=MONDAY) == 0
    assert Mail.objects.get().status == "skipped"


def test_the_command_prints_the_last_week_or_the_one_asked_for() -> None:
    visit(at(9) - timedelta(days=14))
    assert "Week 10: Mon 2 Mar – Sun 8 Mar\n" in command()
    assert "Week 9: Mon 23 Feb – Sun 1 Mar\n" in command("--week", "2026-W09")
    assert queued() == []


def test_the_command_mails_it_once_more_to_who_gets_it() -> None:
    user = reader()
    send_weekly_reports()
    assert f"The report of {WEEK} goes to {user.email}" in command("--to", user.email.upper())
    assert queued() == [user.email, user.email]


@pytest.mark.parametrize("words", [("--to", "nobody@example.com"), ("--week", "2026-W11"), ("--week", "soon")])
def test_the_command_refuses_strangers_and_weeks_that_are_none(words: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        command(*words)


def test_the_command_mails_nothing_to_staff_who_did_not_tick_it() -> None:
    with pytest.raises(CommandError, match="Nobody with this address"):
        command("--to", member(FIGURES).email)
