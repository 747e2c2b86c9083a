from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Product
from catalog.transfer import import_products
from tests.catalog.files import csv_of
from tests.database import database_away
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

COMMAND = "catalog.management.commands.import_products"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two products, and one that cannot be taken."""
    path = tmp_path / "products.csv"
    path.write_bytes(csv_of({"sku": "A", "stock": "3"}, {"sku": "B", "price": "free"}, {"sku": "C"}))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_bytes(csv_of({"category": "Cups", "stock": "3"}, {"stock": "4"}))
    return path


def run(*arguments: object) -> str:
    stdout = io.StringIO()
    call_command("import_products", *map(str, arguments), stdout=stdout, stderr=io.StringIO())
    return stdout.getvalue()


def test_json_has_the_counts(good: Path) -> None:
    assert json.loads(run(good, "--json")) == {
        "products": 2,
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "refused": 0,
        "stockMovements": 2,
        "categoriesAdded": 1,
        "dryRun": False,
        "report": None,
    }


def test_people_get_a_table(good: Path) -> None:
    assert "Stock movements" in run(good)


def test_refused_lines_are_reported_beside_the_file_and_the_others_are_stored(path: Path) -> None:
    with pytest.raises(CommandError, match=r"Lines refused: 1. Why: .*products\.csv\.refused\.csv") as error:
        run(path)
    assert error.value.returncode == 1
    report = path.with_name("products.csv.refused.csv")
    assert report.read_bytes() == b"line,field,reason\r\n3,price,must be an amount such as 48.90\r\n"
    assert set(Product.objects.values_list("sku", flat=True)) == {"A", "C"}


def test_the_report_can_go_elsewhere(path: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Lines refused: 1"):
        run(path, "--report", tmp_path / "why.csv")
    assert "price" in (tmp_path / "why.csv").read_text()


def test_the_report_does_not_take_the_place_of_the_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(CommandError, match="take the place"):
        run(path, "--report", path.parent / "." / path.name)
    assert (path.read_bytes(), Product.objects.exists()) == (before, False)


def test_a_report_of_an_earlier_import_goes(good: Path) -> None:
    report = good.with_name("good.csv.refused.csv")
    report.write_text("old")
    run(good)
    assert not report.exists()


def test_a_dry_run_reports_and_stores_nothing(path: Path) -> None:
    with pytest.raises(CommandError, match="Lines refused: 1"):
        run(path, "--dry-run")
    assert not Product.objects.exists()
    assert path.with_name("products.csv.refused.csv").exists()


def test_standard_input_is_a_file_too(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(good.read_bytes())))
    run("-", "--report", good.with_name("why.csv"))
    assert Product.objects.count() == 2


def test_a_file_that_is_not_there_fails() -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("/nowhere/products.csv")


def test_a_file_that_is_none_of_products_fails(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("article;price\n1;2\n")
    with pytest.raises(CommandError, match="There is no column: sku, name"):
        run(path)


def test_without_its_database_it_fails(good: Path) -> None:
    with database_away(), pytest.raises(CommandError):
        run(good)


def test_ctrl_c_says_how_far_it_came(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = import_products

    def interrupted(**arguments: Any) -> None:
        real(**arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(f"{COMMAND}.import_products", interrupted)
    with pytest.raises(CommandError, match="2 products were added and 0 changed by then") as caught:
        run(good)
    assert caught.value.returncode == 130


def test_what_the_export_writes_the_import_takes_without_a_change(tmp_path: Path) -> None:
    ProductFactory.create_batch(3, description='He said "hi",\nand left')
    call_command("export_products", str(tmp_path / "all.csv"), stderr=io.StringIO())
    figures = json.loads(run(tmp_path / "all.csv", "--json"))
    assert (figures["unchanged"], figures["stockMovements"]) == (3, 0)


def test_a_file_of_another_shop_is_told_what_its_columns_are(tmp_path: Path) -> None:
    path = tmp_path / "foreign.csv"
    path.write_bytes("Art. Nr.;Title;Preis;Farbe\nA;Caf\xe9;2.50;blau\n".encode("cp1252"))
    columns = ("--column", "sku=Art. Nr.", "--column", "name=title", "--column", "price=Preis")
    run(path, *columns, "--encoding", "cp1252")
    assert Product.objects.values_list("sku", "name", "price").get() == ("A", "Caf\xe9", Decimal("2.500"))


def test_a_column_that_is_none_of_ours_cannot_be_named(good: Path) -> None:
    with pytest.raises(CommandError, match="'colour=Farbe' must be one of sku, name"):
        run(good, "--column", "colour=Farbe")
