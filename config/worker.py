"""How workers fare when the broker is away, and how they show that they live."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from celery.worker.state import reserved_requests

from config.messages import note_life
from core.heartbeats import EVERY_SECONDS

RETRY_SECONDS = 2
LOOK_SECONDS = EVERY_SECONDS


class SteadyConsumer(Consumer):
    """Outlives a broker that goes away, and finds it again soon."""

    hub: Any  # Celery's, which has no types
    task_consumer: Any

    def connect(self) -> Any:
        connected = super().connect()
        if self.hub is not None:
            self.hub.call_repeatedly(LOOK_SECONDS, self.look_around, connected)
        return connected

    def look_around(self, connected: Any) -> None:
        """What is done every few seconds as long as this connection lasts.

        Raises:
            ConnectionError: it holds a job that nobody does.
        """
        if connected is self.connection and self.task_consumer is not None:
            note_life()
            self.miss_acknowledgements()

    def miss_acknowledgements(self) -> None:
        """A broker that was silent when a job was acknowledged leaves the worker with a job that nobody does, and with
        no room for others: Celery logs that and waits for ever. Begins anew instead.

        Raises:
            ConnectionError: there is such a job.
        """
        held = self.task_consumer.channel.qos
        held._flush()
        if held._delivered and not reserved_requests:
            raise ConnectionError("a job was not acknowledged")

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
