"""Reads of products and categories."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Category, Product, ProductQuerySet
from catalog.search import Part, found, gathered_name, met, question
from core.errors import InvalidInputError, NotFoundError
from core.pages import PAGE, decode_cursor, encode_cursor, page_of
from core.rows import columns, row_of

CATEGORIES = 100
COMMON = 5_000
"""Products. Of a search that finds more, a page is picked while walking along the names; of others, all are sorted."""


# As `active`.
FOR_SALE = f"SELECT {columns(Product, 'p')} FROM catalog_product p WHERE p.is_active AND p.id = ANY(%s)"  # noqa: S608 - names of our model


def for_sale(product_ids: Iterable[UUID]) -> dict[UUID, Product]:
    """Those of these products that shoppers may buy, by id."""
    with connection.cursor() as cursor:
        cursor.execute(FOR_SALE, [list(product_ids)])
        found = [row_of(Product, row) for row in cursor]
    return {product.id: product for product in found}


def product_page(*, search: str, category: str, cursor: str) -> tuple[list[Product], str | None]:
    """A page of active products by name, and the cursor of the next. What a search finds comes in the order of `Part`.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    products = Product.objects.active().select_related("category").order_by("name", "id")
    if category:
        products = products.on_shelf(category)
    if not search.strip():
        return page_of_parts([lambda: products], cursor)
    return page_of_parts([partial(part_of, products, search, part) for part in Part], cursor)


def part_of(products: ProductQuerySet, words: str, part: Part) -> ProductQuerySet:
    """Those of a part. PostgreSQL cannot tell how many a begin of a word finds; what it then does may take 100 times as
    long, so it is counted, and either way is made the only one.
    """
    asked = question(words, part)
    if part != Part.SKU and Product.objects.filter(found(asked))[: COMMON + 1].count() > COMMON:
        return products.filter(met(asked))
    return products.filter(found(asked)).order_by(gathered_name(), "id")


def page_of_parts(parts: Sequence[Callable[[], ProductQuerySet]], cursor: str) -> tuple[list[Product], str | None]:
    """A page of the parts one behind the other. A part is asked when those before it do not fill the page.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    first, name, product_id = place_of(cursor, len(parts)) if cursor else (0, "", None)
    found: list[tuple[int, Product]] = []
    for number in range(first, len(parts)):
        products = parts[number]()
        if product_id and number == first:
            products = products.after(name=name, product_id=product_id)
        found += [(number, product) for product in products[: PAGE + 1 - len(found)]]
        if len(found) > PAGE:
            part, last = found[PAGE - 1]
            return [product for _part, product in found[:PAGE]], encode_cursor([str(part), last.name, str(last.id)])
    return [product for _part, product in found], None


def place_of(cursor: str, parts: int) -> tuple[int, str, UUID]:
    """Part, name and id of a cursor.

    Raises:
        InvalidInputError: it is not one of ours.
    """
    part, name, product_id = decode_cursor(cursor, 3)
    try:
        return range(parts).index(int(part)), name, UUID(product_id)
    except ValueError:
        raise InvalidInputError(_("This cursor is not valid.")) from None


def category_page(*, cursor: str) -> tuple[list[Category], str | None]:
    """A page of the categories with something for sale, by name, and the cursor of the next.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    categories = Category.objects.with_products().order_by("name", "slug")
    if cursor:
        name, slug = decode_cursor(cursor, 2)
        categories = categories.filter(Q(name__gt=name) | Q(name=name, slug__gt=slug))
    return page_of(categories, lambda category: [category.name, category.slug], CATEGORIES)


def find_product(slug_or_id: str) -> Product:
    """An active product by slug or id.

    Raises:
        NotFoundError: there is none for sale.
    """
    try:
        wanted = Q(id=UUID(slug_or_id))
    except ValueError:
        wanted = Q(slug=slug_or_id.replace("\0", ""))  # PostgreSQL cannot be asked about a null byte
    try:
        return Product.objects.active().select_related("category").get(wanted)
    except Product.DoesNotExist:
        raise NotFoundError(_("There is no such product.")) from None
