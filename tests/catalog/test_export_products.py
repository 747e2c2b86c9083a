from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.management.commands import export_products
from tests.catalog.files import exported
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def run(*arguments: object) -> str:
    stdout = io.StringIO()
    call_command("export_products", *map(str, arguments), stdout=stdout, stderr=io.StringIO())
    return stdout.getvalue()


def test_a_file_is_written(tmp_path: Path) -> None:
    ProductFactory.create_batch(3)
    run(tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes().decode() == exported()
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_without_a_file_it_goes_to_standard_output(arguments: tuple[str, ...]) -> None:
    ProductFactory.create_batch(3)
    assert run(*arguments) == exported()


def test_an_export_that_was_stopped_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all.csv").write_text("old")

    def interrupted(_products: Any) -> Any:
        yield "half"
        raise KeyboardInterrupt

    monkeypatch.setattr(export_products, "product_lines", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_fails() -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("/nowhere/all.csv")
