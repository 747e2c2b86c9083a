"""Why lines of a file were not taken, as a file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from core.spreadsheets.cells import Refusal


class Report:
    """Refused lines as CSV. There is no file when there are none; one of an earlier import goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: TextIO | None = None

    @property
    def written_to(self) -> str | None:
        """The file, if something was refused."""
        return str(self.path) if self.file else None

    def __enter__(self) -> None:
        self.path.unlink(missing_ok=True)

    def __exit__(self, *_exception: object) -> None:
        if self.file:
            self.file.close()

    def add(self, refusal: Refusal) -> None:
        """Writes one down."""
        if self.file is None:
            self.file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self.file).writerow(["line", "field", "reason"])
        csv.writer(self.file).writerow([refusal.line, refusal.field, refusal.reason])
