"""How long a thread waits for PostgreSQL. A server that hangs, or one that is gone without having said so, ends no
connection: whoever asked would wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

USUAL_SECONDS = 65.0
"""Longer than PostgreSQL lets a statement take (`statement_timeout`), so that only silence is meant."""
SHOPPERS_SECONDS = 4.5
"""Longer than it lets anybody wait for a lock (`lock_timeout`), and less than the 5 seconds that no shopper waits."""


class Patience(threading.local):
    """Of a thread, in seconds for each statement."""

    seconds = USUAL_SECONDS


patience = Patience()


@contextmanager
def waits_at_most(seconds: float) -> Iterator[None]:
    """This thread waits no longer for any statement of a `with` block, or of the function that this decorates."""
    before, patience.seconds = patience.seconds, seconds
    try:
        yield
    finally:
        patience.seconds = before
