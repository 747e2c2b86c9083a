"""One process of the Procfile, in place of this one: `python -m config.process web`. So do systemd and containers start
them, and the Procfile alone says how.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from string import Template

from config.run import procfile


def command(name: str, environment: Mapping[str, str]) -> list[str]:
    """The process as words, by this Python; PORT is 8000 unless the environment says another.

    Raises:
        LookupError: there is no such process.
    """
    line = Template(procfile()[name]).substitute({"PORT": "8000"} | dict(environment))
    return [sys.executable, "-m", *shlex.split(line)]


def main() -> None:
    names = procfile()
    if len(sys.argv) != 2 or sys.argv[1] not in names:
        sys.exit(f"footfall: which process? One of: {', '.join(names)}.")
    words = command(sys.argv[1], os.environ)
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
