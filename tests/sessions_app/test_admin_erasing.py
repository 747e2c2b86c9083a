"""Staff who answer visitors: what is held of one is given out and erased on the page of a visit."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from sessions_app.models import SessionEvent, VisitorSession
from tests.analytics.staff import logged_in, member
from tests.factories import SessionEventFactory, VisitorSessionFactory

pytestmark = pytest.mark.django_db
VISITS, ANSWER = "sessions_app.view_visitorsession", "sessions_app.erase_visitorsession"


@pytest.fixture
def visits() -> list[VisitorSession]:
    """Two of one browser, and one of the day by the same id."""
    same = {"visitor_id": uuid.uuid4(), "consent": "granted", "ip_prefix": "203.0.113.0/24", "utm_campaign": "Mark"}
    found = [VisitorSessionFactory.create(**same), VisitorSessionFactory.create(**same)]
    found.append(VisitorSessionFactory.create(visitor_id=same["visitor_id"], utm_campaign="Other"))
    for visit in found:
        SessionEventFactory.create(session=visit, page="/mark-page")
    return found


@pytest.fixture
def privacy() -> Client:
    return logged_in(member(VISITS, ANSWER))


def path_of(visit: VisitorSession, name: str = "change") -> str:
    return f"/admin/sessions_app/visitorsession/{visit.pk}/{name}/"


def erase(client: Client, visit: VisitorSession) -> Any:
    return client.post(path_of(visit, "erase"), {"_form_submitted": "True"})


def test_erasing_one_visit_erases_all_of_its_browser_and_says_so_in_the_log(
    privacy: Client, visits: list[VisitorSession]
) -> None:
    assert erase(privacy, visits[0]).headers["HX-Redirect"] == path_of(visits[0])
    assert list(VisitorSession.objects.not_erased()) == [visits[2]]
    assert SessionEvent.objects.get().session == visits[2]
    entry = LogEntry.objects.get()
    assert "erased. Held was: visits: 2." in entry.change_message
    assert str(visits[0].visitor_id) not in f"{entry.object_repr} {entry.change_message}"
    assert b"erased: it only counts" in privacy.get(path_of(visits[0])).content


def test_a_visit_of_the_day_is_erased_alone(privacy: Client, visits: list[VisitorSession]) -> None:
    erase(privacy, visits[2])
    assert set(VisitorSession.objects.not_erased()) == set(visits[:2])


def test_it_is_asked_before(privacy: Client, visits: list[VisitorSession]) -> None:
    assert b"for good?" in privacy.get(path_of(visits[0], "erase")).content
    assert not VisitorSession.objects.erased().exists()


def test_what_is_held_is_given_out_as_a_file(privacy: Client, visits: list[VisitorSession]) -> None:
    answer = privacy.get(path_of(visits[0], "give_out"))
    assert "attachment" in answer["Content-Disposition"]
    assert {visit["utmCampaign"] for visit in answer.json()["held"]["visits"]} == {"Mark"}


def test_what_was_erased_is_neither_given_out_nor_erased_again(privacy: Client, visits: list[VisitorSession]) -> None:
    erase(privacy, visits[0])
    assert privacy.get(path_of(visits[0], "give_out")).status_code == 302
    assert erase(privacy, visits[0]).status_code == 200
    assert b"erased already" in privacy.get(path_of(visits[0])).content
    assert LogEntry.objects.count() == 1


def test_others_see_no_buttons(privacy: Client, visits: list[VisitorSession]) -> None:
    assert b"/give_out/" in privacy.get(path_of(visits[0])).content
    assert b"/give_out/" not in logged_in(member(VISITS)).get(path_of(visits[0])).content


def test_the_page_of_a_visitor_leads_there_who_may(privacy: Client, visits: list[VisitorSession]) -> None:
    page = f"/admin/sessions_app/visitorsession/visitor/{visits[0].visitor_id}/"
    assert b"Give out or erase" in privacy.get(page).content
    assert b"Give out or erase" not in logged_in(member(VISITS)).get(page).content
