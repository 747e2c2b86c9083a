"""The records of a CSV file, with memory for one of them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST_LINE = 1024 * 1024
"""Bytes."""
BOM = b"\xef\xbb\xbf"
SEPARATORS = ",;\t"
PROBLEMS = {
    "unexpected end of data": "has a quotation mark that is not closed",
    "field larger than field limit": "has a cell that is too long, or a quotation mark that is not closed",
}
WRONG_QUOTING = 'has a quotation mark in the wrong place: write "" for one, and " around the whole cell'


@dataclass(frozen=True)
class Sheet:
    """What a file is of (`"products"`), its columns by their names in small letters, and those that it cannot miss."""

    of: str
    columns: Sequence[str]
    needed: Sequence[str]


class WrongSheetError(Exception):
    """The file is none of that kind; nothing was stored. The text says why."""


class LineError(Exception):
    """A line that is no text."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line with its cells by column, or with what is wrong with it. `line` is counted from 1, the header's."""

    line: int
    cells: dict[str, str]
    problem: str = ""


class Text:
    """Lines of bytes as text; `number` is that of the last."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Text:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.number += 1
        if self.number == 1:
            line = line.removeprefix(BOM)
        if len(line) > LONGEST_LINE:
            raise LineError("is too long")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise LineError("is not UTF-8") from None


def records(lines: Iterable[bytes], sheet: Sheet) -> Iterator[Record]:
    """The records behind the header. What is wrong with one does not keep the next from being read.

    Raises:
        WrongSheetError: there is no header, or it is not one of such a sheet.
    """
    text = Text(lines)
    columns, separator = header(text, sheet)
    reader = csv.reader(text, delimiter=separator, strict=True)
    while True:
        line = text.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except LineError as error:
            yield Record(line, {}, str(error))
        except csv.Error as error:
            yield Record(line, {}, problem_of(error))
        else:
            if cells and len(cells) != len(columns):
                yield Record(line, {}, f"has {len(cells)} cells, the header has {len(columns)}")
            elif cells:
                yield Record(line, dict(zip(columns, cells, strict=True)))


def problem_of(error: csv.Error) -> str:
    """What is wrong, in other words than the parser's."""
    return next((text for begin, text in PROBLEMS.items() if str(error).startswith(begin)), WRONG_QUOTING)


def header(text: Text, sheet: Sheet) -> tuple[list[str], str]:
    """The columns, and what stands between them.

    Raises:
        WrongSheetError: it is missing, or its columns are not those of the sheet.
    """
    try:
        line = next(text)
    except StopIteration:
        raise WrongSheetError("The file is empty.") from None
    except LineError as error:
        raise WrongSheetError(f"The first line {error}. Save the file as CSV UTF-8.") from None
    if "\0" in line:
        raise WrongSheetError("This is no CSV file. Save it as CSV UTF-8.")
    separator = max(SEPARATORS, key=line.count)
    columns = [cell.strip().strip('"').lower() for cell in line.strip().split(separator)]
    check_columns(columns, sheet)
    return columns, separator


def check_columns(columns: list[str], sheet: Sheet) -> None:
    """Every column is known, none is there twice, those that are needed are there.

    Raises:
        WrongSheetError: it is not so.
    """
    faults = {
        "There is no column": [column for column in sheet.needed if column not in columns],
        "There is a column too many": sorted({column[:40] for column in columns if column not in sheet.columns}),
        "There are two columns": sorted({column for column in columns if columns.count(column) > 1}),
    }
    found = [f"{fault}: {', '.join(columns)}." for fault, columns in faults.items() if columns]
    if found:
        raise WrongSheetError(f"{' '.join(found)} The columns of {sheet.of} are {', '.join(sheet.columns)}.")


@dataclass(frozen=True)
class Source:
    """An open file. `size` is in bytes, None when it comes through a pipe."""

    file: BinaryIO
    size: int | None

    def position(self) -> int:
        """Bytes that have been read."""
        return self.file.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[bytes]:
        """The lines. Of one that is too long only the beginning."""
        while line := self.file.readline(LONGEST_LINE + 1):
            rest = line
            while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                rest = self.file.readline(LONGEST_LINE + 1)
            yield line


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Opens a file; `-` is standard input.

    Raises:
        OSError: there is none, or it may not be read.
    """
    if path == "-":
        yield Source(sys.stdin.buffer, None)
        return
    with Path(path).open("rb") as file:
        yield Source(file, Path(path).stat().st_size)
