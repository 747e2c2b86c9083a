"""The records of a CSV file, with memory for one of them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

LONGEST_LINE = 1024 * 1024
"""Bytes."""
BOM = b"\xef\xbb\xbf"
SEPARATORS = ",;\t"
PASSED_OVER = ""
"""The name of every column that is none of ours."""
PROBLEMS = {
    "unexpected end of data": "has a quotation mark that is not closed",
    "field larger than field limit": "has a cell that is too long, or a quotation mark that is not closed",
}
WRONG_QUOTING = 'has a quotation mark in the wrong place: write "" for one, and " around the whole cell'


ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "iso-8859-15": "ISO 8859-15"}
"""Those that spreadsheets write and whose lines end with the byte that ends a line."""


@dataclass(frozen=True)
class Sheet:
    """What a file is of (`"products"`), its columns by their names in small letters, and those that it cannot miss.

    `called` tells how this file calls columns that have another name in it. Where there may be `others`, they are
    passed over.
    """

    of: str
    columns: Sequence[str]
    needed: Sequence[str]
    called: Mapping[str, str] = field(default_factory=dict)
    others: bool = False
    encoding: str = "utf-8"

    def name_of(self, column: str) -> str:
        """What this file calls one of the columns."""
        return self.called.get(column, column)


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

    def __init__(self, lines: Iterable[bytes], encoding: str) -> None:
        self.lines = iter(lines)
        self.encoding = encoding
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
            return line.decode(self.encoding)
        except UnicodeDecodeError:
            raise LineError(f"is not {ENCODINGS[self.encoding]}") from None


def records(lines: Iterable[bytes], sheet: Sheet) -> Iterator[Record]:
    """The records behind the header. What is wrong with one does not keep the next from being read.

    Raises:
        WrongSheetError: there is no header, or it is not one of such a sheet.
    """
    text = Text(lines, sheet.encoding)
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
                found = dict(zip(columns, cells, strict=True))
                found.pop(PASSED_OVER, None)
                yield Record(line, found)


def problem_of(error: csv.Error) -> str:
    """What is wrong, in other words than the parser's."""
    return next((text for begin, text in PROBLEMS.items() if str(error).startswith(begin)), WRONG_QUOTING)


def header(text: Text, sheet: Sheet) -> tuple[list[str], str]:
    """The columns by our names, and what stands between them.

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
    try:
        names = [cell.strip().lower() for cell in next(csv.reader([line.strip()], delimiter=separator), [])]
    except csv.Error as error:
        raise WrongSheetError(f"The first line {problem_of(error)}.") from None
    ours = {sheet.name_of(column).lower(): column for column in sheet.columns}
    check_columns(names, ours, sheet)
    return [ours.get(name, PASSED_OVER) for name in names], separator


def check_columns(names: list[str], ours: Mapping[str, str], sheet: Sheet) -> None:
    """Every column is known or may be passed over, none of ours is there twice, and none is missing that is needed, or
    that somebody named.

    Raises:
        WrongSheetError: it is not so.
    """
    needed = {sheet.name_of(column): None for column in (*sheet.needed, *sheet.called)}
    unknown = {name[:40] for name in names if name not in ours and not sheet.others}
    faults = {
        "There is no column": [name for name in needed if name.lower() not in names],
        "There is a column too many": sorted(unknown),
        "There are two columns": sorted({name for name in names if names.count(name) > 1 and name in ours}),
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
