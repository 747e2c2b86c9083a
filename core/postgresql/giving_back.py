"""Who waits for somebody else needs no connection meanwhile."""

import threading

from django.db import close_old_connections, connection


class Taken(threading.local):
    """What a thread took from the pool."""

    any = False
    """Whether it took a connection since it last looked at those it has."""


taken = Taken()


def close_taken() -> None:
    """What Django does before and after each request. Who has taken no connection since has none that is old."""
    if taken.any:
        close_old_connections()
        taken.any = False


class WaitingInTransactionError(RuntimeError):
    """Somebody else would be waited for within a transaction, its rows locked as long as that takes: a bug."""


def give_back() -> None:
    """Gives this thread's connection back to the pool; the next statement takes one again.

    Raises:
        WaitingInTransactionError: a transaction is open (but the one that a test is made in).
    """
    if connection.in_atomic_block:
        if not connection.atomic_blocks[-1]._from_testcase:  # type: ignore[attr-defined] # as Django asks itself
            raise WaitingInTransactionError
    elif connection.connection is not None:
        connection.close()
