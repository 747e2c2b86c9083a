"""What commands that import a file have in common: where it is, what it calls its columns, what is said of it."""

from __future__ import annotations

from abc import abstractmethod
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.management.endings import STOPPED, why
from core.spreadsheets.reading import ENCODINGS, Sheet, Source, WrongSheetError, open_source
from core.spreadsheets.reporting import Report
from core.terminal import Reporter, print_json, print_table, progress


class ImportCommand(BaseCommand):
    """Imports a CSV file and writes down what was refused. Who inherits says of what, and does it."""

    sheet: ClassVar[Sheet]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", help="the CSV file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")
        parser.add_argument(
            "--report", metavar="FILE", help="where refused lines go (default: beside the file, as FILE.refused.csv)"
        )
        parser.add_argument(
            "--column",
            metavar="OURS=THEIRS",
            action="append",
            default=[],
            type=naming(self.sheet),
            help=f"what the file calls a column, again for each; other columns are passed over then. Ours: "
            f"{', '.join(self.sheet.columns)}",
        )
        parser.add_argument("--encoding", choices=list(ENCODINGS), default="utf-8", help="of the file (utf-8)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs the import.

        Raises:
            CommandError: the file cannot be read or is none of its kind, lines were refused, PostgreSQL is away, or
                Ctrl-C (exit code 130).
        """
        path = options["file"]
        report = Report(Path(options["report"] or (self.sheet.of if path == "-" else path) + ".refused.csv"))
        if report.path.exists() and Path(path).exists() and report.path.samefile(path):
            raise CommandError("The report would take the place of the file. Name another with --report.")
        try:
            with report:
                self.import_file(report, options)
        except WrongSheetError as error:
            raise CommandError(f"{error} If yours are called otherwise, say so: --column OURS=THEIRS.") from error
        except OSError as error:
            raise CommandError(f"{error} {self.reached()}".strip()) from error
        except DatabaseError as error:
            raise CommandError(f"PostgreSQL cannot be asked: {why(error)} {self.reached()}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError(
                " ".join(filter(None, ["Stopped.", self.reached(), "Run it again to go on."])), returncode=STOPPED
            ) from None
        self.tell(report, options)
        if refused := self.refused_lines():
            raise CommandError(f"Lines refused: {refused:,}. Why: {report.path}")

    def import_file(self, report: Report, options: Mapping[str, Any]) -> None:
        """Reads the file with a progress bar, and stores what is in it."""
        called = dict(options["column"])
        others = self.sheet.others or bool(called)
        sheet = replace(self.sheet, called=called, others=others, encoding=options["encoding"])
        with (
            open_source(options["file"]) as source,
            progress("Importing", total=source.size, stderr=self.stderr, in_bytes=True) as bar,
        ):
            self.store(source, sheet, report, bar, options)

    def tell(self, report: Report, options: Mapping[str, Any]) -> None:
        """The counts, for machines or for people."""
        if options["json"]:
            print_json(self.stdout, {**self.figures(), "dryRun": options["dry_run"], "report": report.written_to})
        else:
            title = "Would be done" if options["dry_run"] else f"{self.sheet.of.capitalize()} of {options['file']}"
            print_table(self.stdout, self.rows(), title=title)

    @abstractmethod
    def store(self, source: Source, sheet: Sheet, report: Report, bar: Reporter, options: Mapping[str, Any]) -> None:
        """Imports what is in the file."""

    @abstractmethod
    def reached(self) -> str:
        """What was stored until it stopped, in a sentence; empty for nothing."""

    @abstractmethod
    def refused_lines(self) -> int:
        """Lines that were not taken."""

    @abstractmethod
    def figures(self) -> Mapping[str, object]:
        """The counts."""

    @abstractmethod
    def rows(self) -> Sequence[tuple[str, object]]:
        """The counts, for people."""


def naming(sheet: Sheet) -> Callable[[str], tuple[str, str]]:
    """Reads `--column ours=theirs`.

    Raises (when read):
        ArgumentTypeError: there is no `=`, or no such column of ours.
    """

    def read(text: str) -> tuple[str, str]:
        ours, equals, theirs = text.partition("=")
        if ours.strip() not in sheet.columns or not equals or not theirs.strip():
            raise ArgumentTypeError(f"{text!r} must be one of {', '.join(sheet.columns)}, then = and the file's name")
        return ours.strip(), theirs.strip()

    return read
