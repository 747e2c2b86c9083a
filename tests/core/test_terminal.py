"""What commands show to people."""

import io
import os
import pty

import pytest
from django.core.management.base import OutputWrapper

from core.management import endings
from core.terminal import Judged, print_table

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


# Colours

GREEN, RED = "\x1b[32m", "\x1b[31m"


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with colours, that nobody has switched off."""
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "DJANGO_COLORS"):
        monkeypatch.setenv(name, "")  # so that it is as before afterwards


def on_a_terminal(*rows: tuple[str, object]) -> str:
    """A table as a real terminal gets it."""
    ours, theirs = pty.openpty()
    with open(theirs, "w") as terminal:
        print_table(OutputWrapper(terminal), rows)
        terminal.flush()
        shown = os.read(ours, 10_000).decode()
    os.close(ours)
    return shown


def test_on_a_terminal_what_is_well_is_green_and_what_is_not_is_red() -> None:
    told = on_a_terminal(("kept", Judged("yes", well=True)), ("broken", Judged(1_234, well=False)))
    assert f"{GREEN}yes" in told
    assert f"{RED}1,234" in told


def test_a_file_gets_no_colours() -> None:
    assert "\x1b" not in shown(("broken", Judged(3, well=False)))


def test_no_colour_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_a_terminal(("broken", Judged(3, well=False)))


def test_a_command_that_is_told_so_uses_none(capsys: pytest.CaptureFixture[str]) -> None:
    endings.run(["manage.py", "help", "--no-color"])
    assert "\x1b" not in on_a_terminal(("broken", Judged(3, well=False)))
