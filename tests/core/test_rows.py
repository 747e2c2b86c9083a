"""Rows read and written by statements that are put together once."""

from decimal import Decimal

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import DatabaseError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Category, Product
from checkout.models import CheckoutSession
from core.clock import now
from core.rows import MANY, columns, insert_together, row_of, update_row
from customers.models import User
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db


def test_rows_of_several_tables_are_one_statement() -> None:
    users = [User(email=f"rows{number}@example.com", password="!") for number in range(2)]
    shelf = Category(slug="rows", name="Rows")
    with CaptureQueriesContext(connection) as queries:
        insert_together([*users, shelf])
    assert len(queries) == 1
    assert User.objects.filter(email__startswith="rows").count() == 2
    assert Category.objects.get(slug="rows").name == "Rows"


def test_many_rows_are_as_few_rows_are() -> None:
    few = [Category(slug=f"few-{number}", name='Rows\t\\N, "and"\nlines') for number in range(2)]
    many = [Category(slug=f"many-{number}", name=few[0].name) for number in range(MANY + 1)]
    insert_together(few)
    insert_together(many)
    assert not many[0]._state.adding
    assert list(Category.objects.values_list("name").distinct()) == [(few[0].name,)]
    assert Category.objects.filter(slug__startswith="many").count() == MANY + 1


def test_what_one_of_many_breaks_leaves_none() -> None:
    CategoryFactory(slug="taken")
    many = [Category(slug=f"many-{number}", name="Rows") for number in range(MANY)]
    with pytest.raises(IntegrityError):
        insert_together([*many, Category(slug="taken", name="Again")])


def test_of_no_rows_nothing_is_asked() -> None:
    with CaptureQueriesContext(connection) as queries:
        insert_together([])
    assert not queries.captured_queries


def test_what_one_row_breaks_leaves_none() -> None:
    CategoryFactory(slug="taken")
    with pytest.raises(IntegrityError):
        insert_together([User(email="rows@example.com", password="!"), Category(slug="taken", name="Again")])


def test_only_the_fields_named_are_written() -> None:
    lamp = ProductFactory(name="Lamp", price=Decimal("5.00"))
    lamp.name, lamp.price = "Lantern", Decimal("6.00")
    update_row(lamp, "price")
    lamp.refresh_from_db()
    assert (lamp.name, lamp.price) == ("Lamp", Decimal("6.00"))


def test_a_row_that_is_gone_is_not_updated_in_silence() -> None:
    lamp = ProductFactory()
    Product.objects.all().delete()
    with pytest.raises(DatabaseError, match="there is no product"):
        update_row(lamp, "price")


def test_a_field_that_is_none_is_an_error() -> None:
    with pytest.raises(FieldDoesNotExist):
        update_row(ProductFactory(), "prize")


def test_a_row_read_is_what_a_queryset_reads() -> None:
    kept = CheckoutSession.objects.create(items=[{"quantity": 1}], summary={}, expires_at=now(), updated_at=now())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns(CheckoutSession, 'c')}, 'more' FROM checkout_checkoutsession c")
        found = row_of(CheckoutSession, cursor.fetchone())
    expected = CheckoutSession.objects.get(pk=kept.pk)
    assert [getattr(found, field.attname) for field in CheckoutSession._meta.concrete_fields] == [
        getattr(expected, field.attname) for field in CheckoutSession._meta.concrete_fields
    ]


def test_a_row_read_leaves_what_postgresql_makes_in_the_database() -> None:
    ProductFactory()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns(Product, 'p')} FROM catalog_product p")
        found = row_of(Product, cursor.fetchone())
    assert found.get_deferred_fields() == {"search"}
