"""What a search finds, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.models import Product
from catalog.selectors import product_page
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def found(words: str) -> list[str]:
    return sorted(Product.objects.matching(words).values_list("name", flat=True))


def ranked(words: str) -> list[str]:
    return [product.name for product in product_page(search=words, category="", cursor="")[0]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Wool blanket", "blan"),
        ("Cà phê sữa đá", "ca phe"),
        ("Cà phê sữa đá", "cà phê"),
        ("ca phe sua da", "CÀ PHÊ SỮA ĐÁ"),
        ("Đèn bàn", "DEN"),
        ("den ban", "đèn"),
        ("Ngói Đất Nung", "ngoi dat"),
        ("Smørrebrød", "smorrebrod"),
        ("Łódź tea", "lodz"),
        ("Große Straße", "grosse strasse"),
        ("Große Straße", "GROẞE"),
        ("Crème brûlée", "creme brulee"),
        ("Cre\u0300me", "crème"),
        ("Œuvre", "oeuvre"),
        ("Æbleskiver", "aebleskiver"),
        ("İstanbul ışık", "istanbul isik"),
        ("ISIK", "isik"),
        ("Чёрный ЧАЙ", "черный чай"),
        ("ΚΑΦΈΣ", "καφες"),
        ("日本茶", "日本"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full"),
        ("Men's t-shirt", "t-shirt men"),
        ("Mug, 0.5 l", "0.5"),
        ("Salt & pepper", "salt&pepper"),
    ],
)
def test_case_and_accents_are_ignored_and_begins_of_words_are_enough(name: str, words: str) -> None:
    ProductFactory(name="Something else")
    ProductFactory(name=name)
    assert found(words) == [name]


@pytest.mark.parametrize("words", ["lanket", "blankets", "wool mug", "bl-x"])
def test_every_word_must_begin_one_of_the_product(words: str) -> None:
    ProductFactory(name="Wool blanket")
    assert found(words) == []


@pytest.mark.parametrize("words", ["MG-1", "mg-1", "mg1", "MG", "MG-", "mg 1", "mg-1/a", "MG1A"])
def test_a_product_is_found_by_its_sku_and_by_its_begin(words: str) -> None:
    ProductFactory(name="Red mug", sku="MG-1/A")
    ProductFactory(name="Tea", sku="TEA-9")
    assert found(words) == ["Red mug"]


def test_that_sku_comes_first_then_names_then_descriptions() -> None:
    ProductFactory(name="Apron", sku="X-1", description="Goes with any mug, 12 colours")
    ProductFactory(name="Set of mugs", sku="X-2", description="12 pieces")
    ProductFactory(name="Mug 12", sku="X-3")
    ProductFactory(name="Zinc bucket", sku="MUG-12")
    assert ranked("mug 12") == ["Zinc bucket", "Mug 12", "Apron", "Set of mugs"]


def test_what_bulk_sql_writes_is_found() -> None:
    product = ProductFactory(name="Mug")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET name = 'Đèn bàn' WHERE id = %s", [product.pk])
    assert found("den ban") == ["Đèn bàn"]
    assert found("mug") == []


def test_a_stock_change_leaves_what_is_searched_alone() -> None:
    product = ProductFactory(name="Mug")
    Product.objects.filter(pk=product.pk).update(stock_quantity=3)
    assert found("mug") == ["Mug"]


def test_an_endless_description_can_be_stored_and_its_begin_be_found() -> None:
    ProductFactory(name="Book", description="begin " + " ".join(f"word{n:x}" for n in range(200_000)))
    ProductFactory(name="Page", description="x" * 1_000_000)
    assert found("begin word1") == ["Book"]
    assert found("x" * 500) == ["Page"]


@pytest.mark.parametrize(
    "words",
    ["", " ", "%", "_", "'", "''", '"', "\\", ":*", "a:*B", "!", "!!mug", "&", "mug &", "mug |", "(", "mug)", "<->",
     "mug <2> tea", "'; DROP TABLE catalog_product; --", "\0", "mug\0", "\ud800", "🙂", "☃", "a" * 65_536,
     "a " * 32_768, "\u0301", "\u00a0", "\u200b", "1e400", "-1", "0x1f", "%s", "{}", "'mug':*A", "mug\\"],
)  # fmt: skip
def test_nothing_that_is_typed_is_an_error(words: str) -> None:
    ProductFactory(name="Mug")
    assert found(words) in ([], ["Mug"])
    assert found(words) == (ranked(words) if words.strip() else [])


@pytest.mark.parametrize("words", ["%", "🙂", "\u200b", "..."])
def test_a_search_without_a_letter_finds_nothing(words: str) -> None:
    ProductFactory(name="Mug 🙂")
    assert found(words) == []


class AnyText(TestCase):
    """Whatever is a product's name or is typed."""

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=150), words=st.text()
    )
    def test_any_name_can_be_stored_and_anything_be_typed(self, name: str, words: str) -> None:
        ProductFactory(name=name)
        assert isinstance(ranked(words), list)

    @settings(max_examples=200, deadline=None)
    @given(name=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50))
    def test_a_word_is_found_by_itself(self, name: str) -> None:
        product: Any = ProductFactory(name=name)
        assert product in Product.objects.matching(name)
