"""Processes that store events, round after round, until they are killed: `python -m tests.promises.flushing`.

For each line that it reads it forks one, and says which.
"""

import os
import signal
import sys
import time
from contextlib import suppress

import django

django.setup()

from django.db import OperationalError  # noqa: E402 - Django must be set up

from core.redis import RedisAwayError  # noqa: E402
from sessions_app import ingest  # noqa: E402


def flush() -> None:
    """A flusher's whole life."""
    while True:
        with suppress(RedisAwayError, OperationalError):
            ingest.flush(consumer=str(os.getpid()))
        time.sleep(0.05)


def main() -> None:
    """Forks a flusher for each line, until there are no more lines."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for _line in sys.stdin:
        child = os.fork()
        if not child:
            flush()
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
