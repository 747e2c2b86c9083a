"""How a command ends before its end: with a sentence, not with a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from django.core.management import execute_from_command_line
from django.core.management.base import CommandError
from django.core.management.color import color_style
from django.db import InterfaceError, OperationalError
from psycopg_pool import PoolClosed, PoolTimeout

from core.redis import RedisAwayError

NO_CONNECTION = (PoolClosed, PoolTimeout)
"""What a pool says while PostgreSQL is away; why stands in the log."""
STOPPED = 130
"""The exit code of what Ctrl-C ends, by custom."""
UNHEARD = 141
"""The exit code of what somebody reads no further, by custom."""


@contextmanager
def interruptions(*, stopped: str = "Stopped.") -> Iterator[None]:
    """What ends a command before its end, as a sentence.

    Raises:
        CommandError: PostgreSQL or Redis is away, or Ctrl-C (exit code 130, and what `stopped` says).
    """
    try:
        yield
    except (OperationalError, InterfaceError, *NO_CONNECTION) as error:
        raise CommandError(f"PostgreSQL cannot be asked: {why(error)}") from error
    except RedisAwayError as error:
        raise CommandError("Redis is away.") from error
    except KeyboardInterrupt as stop:
        raise CommandError(stopped, returncode=STOPPED) from stop


def why(error: Exception) -> str:
    """What PostgreSQL, or whoever looked for it, said."""
    no_connection = isinstance(error, NO_CONNECTION) or isinstance(error.__cause__, NO_CONNECTION)
    return "there is no connection." if no_connection else str(error).strip()


def run(words: Sequence[str]) -> None:
    """Runs a command line. Whatever command it is, it ends as `interruptions` says; `--traceback` shows from where.
    `NO_COLOR` and `--no-color` are one. Whoever reads no further (`... | head`) has read enough: that is no error.

    Raises:
        CommandError: with `--traceback`, it ended before its end.
    """
    if "--no-color" in words:
        os.environ["NO_COLOR"] = "1"  # for our tables
    if os.environ.get("NO_COLOR"):
        os.environ["DJANGO_COLORS"] = "nocolor"
    try:
        with interruptions():
            execute_from_command_line(list(words))
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter tries again at its end
        sys.exit(UNHEARD)
    except CommandError as ending:
        if "--traceback" in words:
            raise
        stop(ending)


def stop(ending: CommandError) -> NoReturn:
    """Says why, and exits, as Django does with what a command says itself."""
    sys.stderr.write(f"{color_style().ERROR(f'{type(ending).__name__}: {ending}')}\n")
    sys.exit(ending.returncode)
