"""`manage.py export_products [FILE]`: all products as CSV."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.models import Product
from catalog.transfer import product_lines
from core.terminal import progress


class Command(BaseCommand):
    """Writes the file."""

    help = "Writes all products as CSV (UTF-8), to be changed in a spreadsheet and imported again by import_products."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", nargs="?", default="-", help="where to; - or nothing is standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs the export.

        Raises:
            CommandError: the file cannot be written.
        """
        try:
            if options["file"] == "-":
                for chunk in product_lines(Product.objects.all()):
                    self.stdout.write(chunk, ending="")
            else:
                self._write(Path(options["file"]))
        except OSError as error:
            raise CommandError(str(error)) from error

    def _write(self, path: Path) -> None:
        """Beside its place first: a file of that name is whole."""
        unfinished = path.with_name(f"{path.name}.part")
        try:
            with (
                unfinished.open("w", encoding="utf-8", newline="") as file,
                progress("Exporting", total=None, stderr=self.stderr, in_bytes=True) as bar,
            ):
                for chunk in product_lines(Product.objects.all()):
                    file.write(chunk)
                    bar.reached(file.tell())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
