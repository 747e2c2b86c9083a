"""Tables are left as Django would leave them, whatever a test wrote."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from checkout.models import PriceTablesVersion, TaxRate
from core.clock import now
from orders.models import OrderStatusChange
from tests.emptying import CASE, empty_tables, filled_tables, truncate_and_fill
from tests.factories import OrderFactory, TaxRateFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_tables_hold_something_as_when_django_empties_them() -> None:
    truncate_and_fill(CASE)
    by_django = filled_tables()
    empty_tables(CASE)
    order = OrderFactory.create(paid=True)  # a trigger refuses to delete its history
    OrderStatusChange.objects.create(order=order, field="status", new="pending", actor="test", created_at=now())
    TaxRateFactory.create()
    empty_tables(CASE)
    assert filled_tables() == by_django


def test_who_remembers_the_price_tables_notices_that_they_are_empty() -> None:
    empty_tables(CASE)
    before = PriceTablesVersion.objects.get().version
    empty_tables(CASE)
    assert PriceTablesVersion.objects.get().version != before


def test_what_comes_from_the_models_is_made_again_when_a_test_took_some() -> None:
    empty_tables(CASE)
    before = Permission.objects.count()
    Permission.objects.first().delete()  # type: ignore[union-attr] # there are hundreds
    empty_tables(CASE)
    assert Permission.objects.count() == before
    assert ContentType.objects.exists()


def test_a_connection_that_a_test_lost_is_not_the_next_ones() -> None:
    TaxRateFactory.create()
    connection.connection.pgconn.finish()
    empty_tables(CASE)
    assert not TaxRate.objects.exists()
