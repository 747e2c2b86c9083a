"""Visits and events, as staff see them."""

import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client

from sessions_app.models import ConsentRecord, CrawlerDay, DeadLetter, SessionEvent, VisitorSalt, VisitorSession
from tests.admin_lists import list_of, queries_of
from tests.factories import NOW, CustomerFactory, SessionEventFactory, VisitorSessionFactory

pytestmark = pytest.mark.django_db
MODELS = ["visitorsession", "sessionevent", "consentrecord", "crawlerday", "deadletter"]


def make_rows(number: int) -> None:
    for row in range(number):
        SessionEventFactory.create(
            session=VisitorSessionFactory.create(order_id=uuid.uuid4(), customer=CustomerFactory.create())
        )
        ConsentRecord.objects.create(visitor_id=uuid.uuid4(), choice="granted", policy_version="1")
        CrawlerDay.objects.create(day=NOW.date() - timedelta(days=row), source="api", page_views=row)
        DeadLetter.objects.create(entry={"row": row}, error="not a session")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_takes_as_many_queries_for_30_rows_as_for_3(admin_client: Client, model: str, rows: int) -> None:
    make_rows(rows)
    assert queries_of(admin_client, f"sessions_app/{model}") == 3


@pytest.mark.parametrize("model", MODELS)
def test_history_can_be_read_and_nothing_else(admin_client: Client, model: str) -> None:
    make_rows(1)
    row = admin.site.get_model_admin(
        {"visitorsession": VisitorSession, "sessionevent": SessionEvent, "consentrecord": ConsentRecord,
         "crawlerday": CrawlerDay, "deadletter": DeadLetter}[model]
    ).model._default_manager.get()  # fmt: skip
    path = f"/admin/sessions_app/{model}"
    assert admin_client.get(f"{path}/{row.pk}/change/").status_code == 200
    assert admin_client.get(f"{path}/add/").status_code == 403
    assert admin_client.post(f"{path}/{row.pk}/change/", {}).status_code == 403
    assert admin_client.post(f"{path}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_salts_have_no_screen() -> None:
    assert not admin.site.is_registered(VisitorSalt)


def test_a_visit_is_found_by_its_id_its_visitor_and_its_customer(admin_client: Client) -> None:
    visit = VisitorSessionFactory.create(
        landing_page="/wanted", customer=CustomerFactory.create(email="ada@example.com")
    )
    VisitorSessionFactory.create(landing_page="/other")
    for word in (str(visit.pk), str(visit.visitor_id), "ADA@example"):
        page = list_of(admin_client, "sessions_app/visitorsession", q=word)
        assert "/wanted" in page
        assert "/other" not in page


def test_days_of_a_filter_are_whole_days_both_included(admin_client: Client) -> None:
    for hours, page in ((-13, "/day-before"), (0, "/noon"), (11, "/late"), (12, "/day-after")):
        VisitorSessionFactory.create(started_at=NOW + timedelta(hours=hours), landing_page=page)
    day = {"started_at_from": "2026-03-10", "started_at_to": "2026-03-10"}
    page = list_of(admin_client, "sessions_app/visitorsession", **day)
    assert [name for name in ("/day-before", "/noon", "/late", "/day-after") if name in page] == ["/noon", "/late"]


@pytest.mark.parametrize("day", ["9999-12-31", "yesterday", "0001-01-01"])
def test_an_impossible_day_is_no_error(admin_client: Client, day: str) -> None:
    response = admin_client.get("/admin/sessions_app/visitorsession/", {"started_at_to": day}, follow=True)
    assert response.status_code == 200


def test_events_of_one_kind_are_shown(admin_client: Client) -> None:
    SessionEventFactory.create(event_type="add_to_cart", page="/wanted")
    SessionEventFactory.create(event_type="page_view", page="/other")
    page = list_of(admin_client, "sessions_app/sessionevent", event_type="add_to_cart")
    assert "/wanted" in page
    assert "/other" not in page
