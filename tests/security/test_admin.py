"""Whatever stands in an address of the admin, its pages are no bug: searches, filters, pages, orders of rows, ids."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory
from tests.security.fuzzing import undone
from tests.security.routes import walk
from tests.security.test_bytes import TEXTS, quoted
from tests.world import World

pytestmark = pytest.mark.django_db

STEP = 1 if "SCHEMA_CASES" in os.environ else 40
"""`make promises` asks each thing in one odd way at least; else each fortieth."""
ODD = [*TEXTS, "1e9", "0x10", "null", "[]", "{}", "true", "__", "a,b", ",", "1,2", "_5F00", "99999999999999999999"]
PARTS = ("q", "p", "o", "all", "_to_field", "e", "_facets", "id", "pk__in")
ASKED = ("period", "from", "to", "q", "came", "plot", "page", "week", "day", "term", "app_label", "next")
MODELS: dict[type[Model], admin.ModelAdmin[Any]] = dict(admin.site._registry)


@pytest.fixture
def staff(world: World) -> Client:
    """Somebody who may do everything."""
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def bugs(client: Client, addresses: list[str]) -> list[str]:
    """Those of the addresses whose answer is a bug."""
    found = []
    for address in addresses:
        with undone():
            answer = client.get(address)
        if answer.status_code >= 500:
            found.append(f"{answer.status_code} {address[:160]}")
    return found


def lists() -> list[str]:
    """Lists of each model, with something odd asked of each of their parts."""
    parts = []
    for model, shown in MODELS.items():
        place = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        parts += [f"{place}?{name}=" for name in (*PARTS, *filters_of(shown))]
    return [part + quoted(text) for part, text in zip(parts, cycle(ODD), strict=False)]


def filters_of(shown: admin.ModelAdmin[Any]) -> Iterator[str]:
    """The parameters of a list's filters."""
    for entry in [*shown.list_filter, *([shown.date_hierarchy] if shown.date_hierarchy else [])]:
        listed: Any = entry[0] if isinstance(entry, tuple) else entry
        if isinstance(listed, str):
            yield from (f"{listed}__exact", f"{listed}__gte", f"{listed}__year", f"{listed}__isnull", f"{listed}__in")
            yield from (f"{listed}_from", f"{listed}_to", f"{listed}__id__exact")
        else:
            yield str(getattr(listed, "parameter_name", "") or "value")


def rows() -> list[str]:
    """Pages of one row of each model, by ids that are none."""
    names = [f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in MODELS]
    parts = [(reverse(name), page) for name in names for page in ("change/", "history/", "delete/", "")]
    return [
        f"{place}{quoted(text)}/{page}" for (place, page), text in zip(parts, cycle(filter(None, ODD)), strict=False)
    ]


def pages() -> list[str]:
    """Every other page of the admin, with odd parameters and parts of its path."""
    found = []
    texts = cycle(ODD)
    for pattern, _view in walk():
        if not pattern.startswith("/admin/") or "(" in pattern or "logout" in pattern:
            continue
        for name in ASKED:
            text = next(texts)
            path = re.sub(r"<[^>]*>", quoted(text or "x"), pattern)
            found.append(f"{path}?period=custom&from=2026-01-01&{name}={quoted(text)}")
    return found


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
@pytest.mark.parametrize("addresses", [lists, rows, pages])
def test_no_address_is_a_bug(addresses: Any, staff: Client) -> None:
    asked = addresses()[::STEP]
    found = bugs(staff, asked)
    assert not found, "\n".join(found)


def test_control_a_list_that_believes_its_parameters_is_noticed(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = next(iter(MODELS.values()))
    monkeypatch.setattr(
        type(shown), "get_queryset", lambda self, request: self.model.objects.filter(pk=request.GET["q"])
    )
    place = reverse(f"admin:{shown.model._meta.app_label}_{shown.model._meta.model_name}_changelist")
    assert bugs(staff, [f"{place}?q=%00"])
