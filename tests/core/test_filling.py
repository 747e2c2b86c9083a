"""Rows that were there before a column get its value."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState
from pytest_django import DjangoAssertNumQueries

from core import filling
from core.models import Mail
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_rows_are_filled_in_batches(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(filling, "BATCH", 2)
    Mail.objects.bulk_create(Mail(kind="a", language="en", next_attempt_at=NOW) for _ in range(5))
    Mail.objects.create(kind="b", language="en", next_attempt_at=NOW)
    operation = filling.FillInBatches("core.Mail", "language = 'vi'", "kind = 'a'")
    with connection.schema_editor() as editor, django_assert_num_queries(4):
        operation.database_forwards("core", editor, state := ProjectState.from_apps(apps), state)
    assert sorted(Mail.objects.values_list("kind", "language")) == [*[("a", "vi")] * 5, ("b", "en")]
