"""How workers fare when the broker is away."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

RETRY_SECONDS = 2


class SteadyConsumer(Consumer):
    """Outlives a broker that goes away, and finds it again soon."""

    def ensure_connected(self, conn: Any) -> Any:
        """Looks for it every 2 seconds. Celery's own waits 2 seconds longer each time, half a minute at last: jobs
        would go on so much later than the shop.
        """
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=RETRY_SECONDS, interval_step=0)
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Outlives what goes wrong while the connection is taken down."""
        lost: Any = self.connection
        lost.close = partial(close_lost, lost)
        super().on_connection_error_after_connected(exc)


def close_lost(connection: Any) -> None:
    """Closes a connection that broke. While a worker has work in hand, kombu wants to give it back over what is closed
    already: the error would end the worker. What it had comes again by itself.
    """
    try:
        connection.release()
    except AttributeError:
        connection.release()  # its channel counts as closed now
