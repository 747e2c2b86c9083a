"""Products to CSV, one chunk in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from catalog.models import Category, ProductQuerySet
from catalog.transfer.rows import COLUMNS, cells_of
from core.spreadsheets import BYTE_ORDER_MARK, csv_text, escaped

CHUNK = 1_000
"""Products."""


def product_lines(products: ProductQuerySet) -> Iterator[str]:
    """The file in pieces: the header, then the products by SKU. Importing it changes nothing."""
    names = category_texts()
    yield BYTE_ORDER_MARK + csv_text([list(COLUMNS)])
    lines: list[list[str]] = []
    for product in products.order_by("sku").select_related(None).iterator(CHUNK):
        cells = cells_of(product, names[product.category_id] if product.category_id else "")
        lines.append([escaped(cell) for cell in cells.values()])
        if len(lines) == CHUNK:
            yield csv_text(lines)
            lines = []
    yield csv_text(lines)


def category_texts() -> dict[int, str]:
    """What each category is called in a file: its name, or its slug where another has that name or that as its slug."""
    categories = list(Category.objects.all())
    taken = Counter(category.name for category in categories)
    slugs = {category.slug: category.pk for category in categories}
    return {
        c.pk: c.name if taken[c.name] == 1 and slugs.get(c.name, c.pk) == c.pk and c.name.strip() == c.name else c.slug
        for c in categories
    }
