"""The schema for everybody: made once, in our languages."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config.reference import made

pytestmark = pytest.mark.django_db
PATH = "/api/v1/schema"


@pytest.fixture(autouse=True)
def nothing_made() -> Iterator[None]:
    """As a process that has just begun."""
    made.clear()
    yield
    made.clear()


def test_it_is_made_once_whatever_else_is_asked_for() -> None:
    with patch.object(SchemaGenerator, "get_schema", autospec=True, side_effect=SchemaGenerator.get_schema) as making:
        answers = [Client().get(f"{PATH}?lang={lang}&x={lang}") for lang in ("", "en", "xx", "../")]
    assert making.call_count == 1
    assert {answer.content for answer in answers} == {answers[0].content}


def test_each_form_and_language_has_its_own() -> None:
    yaml, json = Client().get(PATH), Client().get(PATH, headers={"accept": "application/vnd.oai.openapi+json"})
    assert yaml.content.startswith(b"openapi: 3.1.0")
    assert json.json()["openapi"] == "3.1.0"
    assert yaml["Content-Type"] != json["Content-Type"]
    Client().get(f"{PATH}?lang=vi")
    assert len(made) == 3
