"""What is counted of orders, by UTC day, for whoever looks after the shop (`core.counts`)."""

from core import counts
from orders import inbox, outbox
from orders.providers import calls

REQUESTS = "orders"


def register_counts() -> None:
    """Makes them known; called when the app is ready."""
    counts.register(calls.COUNTED, "Answers of billing that were of no use")
    counts.register(inbox.COUNTED, "Webhooks refused, repeated or of no use")
    counts.register(outbox.COUNTED, "Events that webhook subscribers did not take")
    counts.register(REQUESTS, "Requests about an order that were refused")
