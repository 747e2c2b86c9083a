"""What the commands over billing's jobs print: the round's summary, and whether it went wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.management.base import CommandError, OutputWrapper
from django.db import OperationalError

from core.terminal import print_json, print_table

Facts = Sequence[tuple[str, int]]


def tell(stdout: OutputWrapper, facts: Facts, errors: dict[str, int], *, title: str, as_json: bool) -> None:
    """Prints what a round did.

    Raises:
        CommandError: there were errors.
    """
    if as_json:
        print_json(stdout, {camel_words(name): number for name, number in facts} | {"errors": errors})
    else:
        failed = [(f"Errors: {kind.replace('_', ' ')}", number) for kind, number in sorted(errors.items())]
        print_table(stdout, [*facts, *failed], title=title)
    if errors:
        raise CommandError(f"{sum(errors.values()):,} errors: {', '.join(sorted(errors))}.")


def camel_words(name: str) -> str:
    """`Still open` as `stillOpen`."""
    head, *tail = name.split()
    return head.lower() + "".join(word.capitalize() for word in tail)


@contextmanager
def interruptions(*, stopped: str) -> Iterator[None]:
    """What ends a run before its end, as a sentence.

    Raises:
        CommandError: PostgreSQL is away, or Ctrl-C (exit code 130, and what `stopped` says).
    """
    try:
        yield
    except OperationalError as error:
        raise CommandError(f"PostgreSQL cannot be asked: {str(error).strip()}") from error
    except KeyboardInterrupt as stop:
        raise CommandError(stopped, returncode=130) from stop
