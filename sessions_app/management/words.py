"""What the commands read from the command line and write to a terminal."""

from argparse import ArgumentTypeError


def positive(text: str) -> int:
    """A number of 1 or more.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isdecimal() and int(text)):
        raise ArgumentTypeError("a number of 1 or more")
    return int(text)


def harmless(text: str) -> str:
    """A text of a visitor's as a terminal may have it: control characters, which could steer it, are replaced."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
