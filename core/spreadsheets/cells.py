"""Cells as spreadsheets may have them, and lines of them as text.

A cell that a spreadsheet would run (`=cmd`) is written with an apostrophe before it, which is taken away when it is
read again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes the file for another encoding than UTF-8."""
RUN_BY_SPREADSHEETS = re.compile(r"'*[=+\-@\t\r]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class CellError(Exception):
    """A cell that cannot be used; the text says what one must be."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a line is not taken. `line` is counted from 1, the header's; `field` is empty for all of it."""

    line: int
    field: str
    reason: str


def escaped(text: str) -> str:
    """The cell as no spreadsheet runs it. A number below 0 is one."""
    return f"'{text}" if RUN_BY_SPREADSHEETS.match(text) and not NUMBER.fullmatch(text) else text


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    return text[1:] if text.startswith("'") and RUN_BY_SPREADSHEETS.match(text) else text


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()
