"""What it costs to bring in a file of products."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connection, transaction

from benchmarks.measurement import Measurement, Sample, require
from catalog.models import Product
from catalog.transfer import Tally
from catalog.transfer import import_products as import_file
from catalog.transfer.rows import COLUMNS
from config.embedded import home
from core.spreadsheets import open_source

PRODUCTS = 100_000
SHELVES = 40
SKU = "FILE-"
SHELF = "Bench shelf "
WORDS = ("blue", "small", "oak", "linen", "round", "light", "folding", "stone", "woven", "travel", "garden", "winter")
THINGS = ("kettle", "lamp", "chair", "bowl", "blanket", "clock", "basket", "tray")


def import_products() -> Measurement:
    """Products a second of a file of 100,000 that are not there yet, every column filled (stock too, so that each moves
    in the ledger), by the service of the command. 1,667 are 100,000 in a minute. The same file again adds nothing, and
    how fast that is stands beside it.
    """
    path = product_file()
    try:
        first, tally = imported(path)
        require((tally.added, tally.moved, tally.refused) == (PRODUCTS, PRODUCTS, 0), f"a first import says {tally}")
        again, tally = imported(path)
        require((tally.unchanged, tally.moved, tally.refused) == (PRODUCTS, 0, 0), f"a second import says {tally}")
        stored = Product.objects.filter(sku__startswith=SKU).count()
        require(stored == PRODUCTS, f"{stored} products are stored")
    finally:
        remove()
    notes = {**first.notes, "the same file again, products/s": again.value}
    return Measurement(first.value, "products/s", notes=notes)


def imported(path: Path) -> tuple[Sample, Tally]:
    """One import, and what it says it did."""
    tally = Tally()
    begun, spent = time.perf_counter(), time.process_time()
    with open_source(str(path)) as lines:
        import_file(lines=lines, actor=None, dry_run=False, tally=tally, refused=print)
    seconds, processor = time.perf_counter() - begun, time.process_time() - spent
    return Sample(PRODUCTS / seconds, {"importer CPU µs a product": 1e6 * processor / PRODUCTS}), tally


def remove() -> None:
    """Takes the products and their shelves away again: what is measured next is not to have a larger shop."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM catalog_stockmovement m USING catalog_product p WHERE p.id = m.product_id AND p.sku LIKE %s",
            [f"{SKU}%"],
        )
        cursor.execute("DELETE FROM catalog_product WHERE sku LIKE %s", [f"{SKU}%"])
        cursor.execute("DELETE FROM catalog_category WHERE name LIKE %s", [f"{SHELF}%"])


def product_file() -> Path:
    """The file, the same at every run."""
    path = home() / "bench-products.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows())
    return path


def rows() -> Iterator[dict[str, str]]:
    """Products of a shop of many shelves, with some sentences each."""
    dice = random.Random(1)
    for number in range(PRODUCTS):
        name = " ".join((*dice.sample(WORDS, 2), dice.choice(THINGS), str(number)))
        yield {
            "sku": f"{SKU}{number:06}",
            "name": name.capitalize(),
            "slug": name.replace(" ", "-"),
            "description": f"{name.capitalize()}. " + " ".join(dice.choices(WORDS, k=40)) + ".",
            "category": f"{SHELF}{dice.randrange(SHELVES)}",
            "price": f"{dice.randrange(100, 50_000) / 100:.2f}",
            "thumbnail": f"/products/{number}.jpg",
            "is_active": "yes",
            "track_stock": "yes",
            "stock": str(dice.randrange(1, 500)),
        }
