"""Who waits for somebody else needs no connection meanwhile."""

from django.db import connection


def give_back() -> None:
    """Gives this thread's connection back to the pool; the next statement takes one again.

    Within a transaction it is kept: there nobody may be waited for, and closing it would lose what was done.
    """
    if connection.connection is not None and not connection.in_atomic_block:
        connection.close()
