"""What the commands over jobs print: the round's summary, and whether it went wrong."""

from collections.abc import Sequence

from django.core.management.base import CommandError, OutputWrapper

from core.terminal import Judged, print_json, print_table

Facts = Sequence[tuple[str, int]]


def tell(stdout: OutputWrapper, facts: Facts, errors: dict[str, int], *, title: str, as_json: bool) -> None:
    """Prints what a round did.

    Raises:
        CommandError: there were errors.
    """
    if as_json:
        print_json(stdout, {camel_words(name): number for name, number in facts} | {"errors": errors})
    else:
        failed = [
            (f"Errors: {kind.replace('_', ' ')}", Judged(number, well=False)) for kind, number in sorted(errors.items())
        ]
        print_table(stdout, [*facts, *failed], title=title)
    if errors:
        raise CommandError(f"{sum(errors.values()):,} errors: {', '.join(sorted(errors))}.")


def camel_words(name: str) -> str:
    """`Still open` as `stillOpen`."""
    head, *tail = name.split()
    return head.lower() + "".join(word.capitalize() for word in tail)
