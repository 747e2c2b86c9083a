"""What commands show to people."""

import io

from django.core.management.base import OutputWrapper

from core.terminal import print_table

LONG = "https://shop.example.com/admin/" + 100 * "x"


def shown(*rows: tuple[str, object], columns: tuple[str, ...] = ()) -> str:
    """A table as a file gets it."""
    out = io.StringIO()
    print_table(OutputWrapper(out), rows, columns=columns)
    return out.getvalue()


def test_what_is_too_long_for_a_line_is_not_cut_off() -> None:
    for columns in ((), ("what", "where")):
        lines = shown(("link", LONG), columns=columns).splitlines()
        assert LONG in "".join(line.strip("│ ").rpartition("│")[2].strip() for line in lines if "│" in line)


def test_numbers_have_thousands_separators() -> None:
    assert "1,234,567" in shown(("rows", 1_234_567))


def test_a_table_may_be_empty() -> None:
    assert shown() == "\n"
