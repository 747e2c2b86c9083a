"""Products as a file."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.models import Product, StockMovement
from catalog.transfer import exporting
from tests.catalog.files import Done, exported
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db


def test_a_file_has_the_products_by_sku() -> None:
    ProductFactory(sku="B", name="Đèn", slug="den", category=CategoryFactory(name="Lamps"), is_active=False)
    ProductFactory(sku="A", name="Mug", slug="mug", description="Two\nlines", price=Decimal("4.5"), stock_quantity=3)
    assert exported().splitlines() == [
        "\ufeffsku,name,slug,description,category,price,thumbnail,is_active,track_stock,stock",
        'A,Mug,mug,"Two',
        'lines",,4.50,,yes,yes,3',
        "B,Đèn,den,,Lamps,20.00,,no,yes,100",
    ]


def test_a_price_is_written_in_the_currency(settings: LazySettings) -> None:
    settings.SHOP_CURRENCY = "VND"
    ProductFactory(price=Decimal(65000))
    assert ",65000," in exported()


def test_no_cell_is_run_by_a_spreadsheet() -> None:
    ProductFactory(sku="-1+1", name="=cmd|' /C calc'!A0", description="@SUM(A1)", category=CategoryFactory(name="+x"))
    row = list(csv.reader(io.StringIO(exported())))[1]
    assert [cell for cell in row if cell[:1] in "=+-@" and cell] == []


def test_exporting_takes_as_many_statements_for_30_products_as_for_3() -> None:
    def statements(number: int) -> int:
        ProductFactory.create_batch(number, category=CategoryFactory())
        with CaptureQueriesContext(connection) as queries:
            exported()
        return len(queries)

    assert (statements(3), statements(30)) == (2, 2)


def test_categories_that_share_names_and_slugs_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    shelves = [("cups", "Twin"), ("mugs", "Twin"), ("glasses", "plates"), ("plates", "Plates"), ("x", " Odd ")]
    for slug, name in shelves:
        ProductFactory(category=CategoryFactory(slug=slug, name=name))
    before = list(Product.objects.order_by("id").values_list("category__slug", flat=True))
    done = Done(exported().encode())
    assert (done.tally.unchanged, done.tally.refused, done.tally.categories) == (5, 0, set())
    assert list(Product.objects.order_by("id").values_list("category__slug", flat=True)) == before


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=100).map(str.strip).filter(bool)
LINES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)


class AnyProduct(TestCase):
    """Whatever a product may be."""

    @settings(max_examples=150, deadline=None)
    @given(
        sku=TEXT.filter(lambda text: len(text) <= 64),
        name=TEXT,
        description=LINES,
        category=TEXT,
        minor=st.integers(0, 10**12),
        stock=st.integers(0, 2**31 - 1),
        flags=st.tuples(st.booleans(), st.booleans()),
    )
    def test_exporting_and_importing_again_changes_nothing(
        self, sku: str, name: str, description: str, category: str, minor: int, stock: int, flags: tuple[bool, bool]
    ) -> None:
        shelf = CategoryFactory(name=category)
        ProductFactory(
            sku=sku, name=name, description=description, category=shelf, price=Decimal(minor) / 100,
            stock_quantity=stock, is_active=flags[0], track_stock=flags[1], thumbnail=name,
        )  # fmt: skip
        moved = StockMovement.objects.count()
        before = list(Product.objects.values())
        done = Done(exported().encode())
        assert done.reasons == []
        assert done.kinds == ["unchanged"]
        assert list(Product.objects.values()) == before
        assert StockMovement.objects.count() == moved
