"""Why lines of logs were not taken, as a file that an import which was stopped can be gone on with."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self, TextIO

from core.spreadsheets import escaped
from sessions_app.access_log.reading import is_file

COLUMNS = ("file", "line", "reason")
FIRST_FEW = 5


class Refusals:
    """Refused lines as CSV, each in the file when `add` returns. There is no file when there are none.

    `say` gets the first few as text.
    """

    def __init__(self, path: Path, say: Callable[[str], object]) -> None:
        self.path = path
        self.before = path.with_name(f"{path.name}.before")
        self.say = say
        self.count = 0

    def __enter__(self) -> Self:
        """Makes the file.

        Raises:
            OSError: it cannot be written.
        """
        if self.path.exists():
            self.path.replace(self.before)
        self.file: TextIO = self.path.open("w", encoding="utf-8", newline="", buffering=1)
        self.rows = csv.writer(self.file)
        self.rows.writerow(COLUMNS)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.file.close()
        self.before.unlink(missing_ok=True)
        if not self.count:
            self.path.unlink()

    def add(self, file: str, line: int, reason: str) -> None:
        """Writes one down. Lines are counted from 1."""
        self.rows.writerow((escaped(file), line, reason))
        self.count += 1
        if self.count <= FIRST_FEW:
            self.say(f"{file}, line {line}: {reason}")

    def keep(self, file: str, lines: int, count: int) -> bool:
        """Takes over what an import that was stopped wrote of the first `lines` of a log. False if it is not `count`
        refusals: then the file is another's, or gone.
        """
        if sum(1 for _row in self._before(file, lines)) != count:
            return False
        for line, reason in self._before(file, lines):
            self.add(file, line, reason)
        return True

    def _before(self, file: str, lines: int) -> Iterator[tuple[int, str]]:
        if not self.before.exists():
            return
        with self.before.open(encoding="utf-8", newline="") as old:
            rows = csv.reader(old)
            if next(rows, None) != list(COLUMNS):
                return
            for row in rows:
                if len(row) == len(COLUMNS) and row[0] == escaped(file) and row[1].isdecimal() and int(row[1]) <= lines:
                    yield int(row[1]), row[2]


def place_of_report(path: str) -> Path:
    """Where refused lines of a log go: beside it, or here if nothing may be written there or it is no file.

    The name does not begin with the log's, or `access.log*` would give it to the next import.
    """
    log = Path(path if is_file(path) else "access.log")
    name = f"refused.{log.name}.csv"
    return log.with_name(name) if os.access(log.parent, os.W_OK) else Path(name)
