"""Runs the commands of a guide. A shell takes them apart as it would for the reader; what they start is written down,
and then done here, on the tests' own database.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command

from config.embedded import PROJECT

PYTHON = """#!/bin/sh
printf '%s\\037' "$@" >> "$CALLS"
printf '\\036' >> "$CALLS"
"""
"""Writes down its words."""
MAKE = f"""#!/bin/sh
exec '{{make}}' --no-print-directory --file '{PROJECT}/Makefile' BIN="$SHIMS" "$@"
"""
"""The project's own, which hands its words on to Python."""
CURL = """#!/bin/sh
exec '{curl}' --silent --show-error --fail-with-body --output /dev/null "$@"
"""


@dataclass(frozen=True)
class Desk:
    """Where the reader sits: in `folder`, with these variables set, and with other words for what the guide made up."""

    folder: Path
    variables: dict[str, str]
    instead: dict[str, str]

    def run(self, text: str) -> None:
        """Runs the commands of a block, one after the other.

        Raises:
            CommandError: one of them failed.
            AssertionError: one of them is none of ours, or is not one at all.
        """
        for theirs, ours in self.instead.items():
            text = text.replace(theirs, ours)
        for words in self.started_by(text):
            assert words[0] == "manage.py", f"nobody here runs python {' '.join(words)}"
            with chdir(self.folder):
                call_command(*words[1:], no_color=True)

    def started_by(self, text: str) -> list[list[str]]:
        """What Python is to do, as the shell has it; web requests are made at once. Nothing else is found: a guide that
        says `sudo` must not have it here.
        """
        shims, calls = self.folder / ".shims", self.folder / ".calls"
        calls.write_text("")
        put_shims(shims)
        told = self.variables | {"PATH": str(shims), "SHIMS": str(shims), "CALLS": str(calls)}
        shell = ["/bin/sh", "-eu", "-c", text]
        done = subprocess.run(shell, cwd=self.folder, env=told, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        return [line.split("\037")[:-1] for line in calls.read_text().split("\036")[:-1]]


def put_shims(folder: Path) -> None:
    """Puts what stands in for python, make and curl into a folder."""
    folder.mkdir(exist_ok=True)
    for name, script in {"python": PYTHON, "make": MAKE, "curl": CURL}.items():
        file = folder / name
        file.write_text(script.replace("{" + name + "}", program(name)))
        file.chmod(0o755)


def program(name: str) -> str:
    """Where a program is."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"NOT RUN: there is no {name}")
    return found
