"""No table with personal fields is forgotten when people ask for their data or for its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.apps.registry import Apps
from django.db import models
from django.test.utils import isolate_apps

from core import personal_data
from core.personal_data import NOT_PERSONAL, Subject, parts, personal_fields, unregistered
from customers.models import User
from orders.models import Order
from sessions_app.models import CrawlerDay, VisitorSession


def test_every_table_that_looks_personal_is_given_out_and_erased() -> None:
    assert unregistered() == [], "register it with the `personal.py` of its app, or say in NOT_PERSONAL why not"


@pytest.mark.parametrize("name", ["customers", "visits", "orders", "checkout", "mails"])
def test_the_control_without_a_part_its_tables_are_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = parts[name].tables
    monkeypatch.setattr(personal_data, "parts", {key: part for key, part in parts.items() if key != name})
    assert set(unregistered()) <= missing
    assert len(unregistered()) >= len(missing) - 3


NEW_FIELDS: dict[str, Callable[[], models.Field[Any, Any]]] = {
    **dict.fromkeys((
        "contact_email", "full_name", "mobile", "street", "postcode", "client_ip", "ua", "cookie", "device_id", "query",
        "fingerprint", "first_referrer", "landing_page", "birthday", "note_of_visitor",
    ), models.CharField),
    "visitor": models.UUIDField,
    "session_id": models.UUIDField,
    "longitude": models.FloatField,
    "of_visit": lambda: models.ForeignKey(VisitorSession, models.CASCADE),
    "of_order": lambda: models.ForeignKey(Order, models.CASCADE),
    "chosen_by": lambda: models.ForeignKey(User, models.CASCADE),
    "anything_at_all": models.JSONField,
    "bytes": models.BinaryField,
    "words": models.TextField,
}  # fmt: skip


def with_new_model(field: models.Field[Any, Any], name: str) -> Apps:
    """The shop with one table more, of nobody yet."""
    with isolate_apps("core") as grown:
        assert grown is not None
        type("NewTable", (models.Model,), {name: field, "__module__": "core.models"})
        grown.ready = True
        return grown


@pytest.mark.parametrize("name", NEW_FIELDS)
def test_a_new_table_with_a_field_of_a_person_fails_the_build(name: str) -> None:
    assert unregistered(with_new_model(NEW_FIELDS[name](), name)) == ["core.NewTable"]


@pytest.mark.parametrize("name", ["number", "status", "amount", "visitors", "unique_visits", "product_name"])
def test_the_control_a_new_table_that_only_counts_does_not(name: str) -> None:
    assert unregistered(with_new_model(models.CharField(), name)) == []


WHO = Subject(
    customer_id=uuid4(), user_id=7, visitors=frozenset({uuid4()}), visits=frozenset({uuid4(), uuid4()}),
    shopped_in=frozenset({uuid4()}),
)  # fmt: skip


@pytest.mark.parametrize("subject", [WHO, Subject(user_id=7), Subject(visits=frozenset({uuid4()}))])
@pytest.mark.parametrize(
    "line", ["INFO core.personal_data [-] erased: {}", '{{"message": "erased: {}", "session": "a"}}']
)
def test_the_log_tells_who_was_erased_by_ids_alone(line: str, subject: Subject) -> None:
    known = replace(subject, emails=frozenset({"ada@example.com"}))
    assert "ada" not in known.ids
    assert Subject.erased_in(line.format(known.ids)) == subject


@pytest.mark.parametrize("line", ["", "erased: nobody", "The customer was erased.", "erased: 3 visits=none"])
def test_other_lines_tell_of_nobody(line: str) -> None:
    assert Subject.erased_in(line) is None


def test_visits_events_consents_and_dead_letters_are_somebodys() -> None:
    of_visits = {f"sessions_app.{name}" for name in ("VisitorSession", "SessionEvent", "ConsentRecord", "DeadLetter")}
    assert parts["visits"].tables == of_visits


def test_no_exemption_is_left_for_a_table_that_needs_none() -> None:
    looking = {model._meta.label for model in apps.get_models(include_auto_created=True) if personal_fields(model)}
    assert {name for name in NOT_PERSONAL if not name.endswith("*")} - looking == set()


def test_fields_are_judged_by_their_names_and_by_whom_they_point_to() -> None:
    found = personal_fields(Order)
    assert {"customer", "email", "phone", "first_name", "shipping_address", "visitor_session"} <= set(found)
    assert not {"number", "total", "status"} & set(found)
    assert personal_fields(CrawlerDay) == []


def test_exemptions_have_their_reasons() -> None:
    assert all(len(reason) > 5 for reason in NOT_PERSONAL.values())


def test_those_above_are_erased_before_those_below() -> None:
    order = list(parts)
    assert order.index("customers") < order.index("visits") < order.index("orders") < order.index("checkout")
