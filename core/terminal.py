"""What commands show: a progress bar and tables for people, JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO

from django.core.management.base import OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Reporter:
    """How a long command tells its progress: `reached(amount)` moves the bar, `say(text)` prints above it."""

    reached: Callable[[int], None]
    say: Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """A cell of a table that says how things are: green on a terminal if all is well, red if not."""

    value: object
    well: bool


@contextmanager
def progress(
    description: str, *, total: int | None, stderr: OutputWrapper, in_bytes: bool = False
) -> Iterator[Reporter]:
    """A progress bar on stderr while the block runs, if stderr is a terminal: logs stay readable.

    `total` is None when it is not known. With `in_bytes` amounts are shown as sizes.
    """
    if not stderr.isatty():
        yield Reporter(reached=lambda _amount: None, say=stderr.write)
        return
    amount: ProgressColumn = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeLeft())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield Reporter(
            reached=lambda reached: bar.update(task, completed=reached),
            say=lambda text: bar.console.print(text, markup=False, highlight=False),
        )


def ask(question: str, *, stderr: OutputWrapper) -> str:
    """What whoever sits there answers. Asked on standard error: standard output is for what comes of it.

    Raises:
        EOFError: nobody sits there.
    """
    stderr.write(question, style_func=str, ending="")
    stderr.flush()
    return input()


def print_json(stdout: OutputWrapper, data: Mapping[str, object]) -> None:
    """The data as JSON, for machines; instants are ISO 8601 with `Z`."""
    stdout.write(json.dumps(data, indent=2, cls=DjangoJSONEncoder))


def print_table(
    stdout: OutputWrapper,
    rows: Iterable[Sequence[object]],
    *,
    columns: Sequence[str] = (),
    title: str | None = None,
) -> None:
    """A table for people; on a terminal `Judged` cells have colours, unless `NO_COLOR` is set. Numbers have thousands
    separators; what is too long goes on below.
    """
    table = Table(title=title, title_justify="left", show_header=bool(columns))
    cells = [[_cell(value) for value in row] for row in rows]
    for name in columns or [""] * len(next(iter(cells), [])):
        table.add_column(name, overflow="fold")
    for row in cells:
        table.add_row(*row)
    # Printed to memory first: Django's wrapper would end each of rich's pieces with a newline.
    text = StringIO()
    console = Console(
        file=text,
        force_terminal=stdout.isatty(),
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        markup=False,
        highlight=False,
    )
    console.print(table)
    stdout.write(text.getvalue())


def _cell(value: object) -> str | Text:
    if isinstance(value, Judged):
        return Text(_words(value.value), style="green" if value.well else "red")
    return _words(value)


def _words(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:>,}"
    return "" if value is None else str(value)
