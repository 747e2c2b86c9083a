"""Processes that deliver events, round after round, until they are killed: `python -m tests.promises.delivering`.

For each line that it reads it forks one, and says which. A word on the command line takes one protection away
(`careless`), so that it is known that the test notices.
"""

import os
import signal
import sys
import time

import django

django.setup()

from core.clock import now  # noqa: E402 - Django must be set up
from orders.outbox import claiming, deliver_outbox, spreading  # noqa: E402

SETTLED_BEFORE_SENT = """
UPDATE orders_webhookdelivery d SET next_try_at = NULL, status = 'delivered', settled_at = %(lease)s
FROM orders_outboxevent e, unnest(%(endpoints)s::bigint[], %(rooms)s::int[]) AS share (endpoint_id, room)
WHERE e.id = d.event_id AND d.endpoint_id = share.endpoint_id AND d.next_try_at <= %(now)s
RETURNING d.id, d.tries, d.failures, d.queued_at, d.endpoint_id, e.id, e.topic, e.created_at, e.payload::text
"""
WITHOUT_MEMORY = """
for place = 2, #KEYS do
    redis.call('XADD', KEYS[1], '*', 'id', ARGV[3 + (place - 2) * 4])
end
return #KEYS - 1
"""


def careless(how: str) -> None:
    """Without one thing that protects events."""
    if how == "settles before it sends":
        claiming.CLAIM = SETTLED_BEFORE_SENT
    if how == "streams without memory":
        spreading.ADD = WITHOUT_MEMORY


def deliver() -> None:
    """A worker's whole life."""
    while True:
        deliver_outbox(now=now())
        time.sleep(0.01)


def main() -> None:
    """Forks a worker for each line, until there are no more lines."""
    careless(" ".join(sys.argv[1:]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for _line in sys.stdin:
        child = os.fork()
        if not child:
            deliver()
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
