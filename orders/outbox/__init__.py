"""Events on their way to those who must hear of them: a Redis stream, and webhook subscribers."""

from orders.outbox.endpoints import (
    NotActiveError,
    NotASecretError,
    check_secret,
    disable,
    enable,
    new_secret,
    pause,
    replay_dead,
    rotate_secret,
    send_again,
    send_events_again,
    send_test,
)
from orders.outbox.forgetting import forget_deliveries, forget_endpoint, forget_events, old_deliveries, old_events
from orders.outbox.recording import COUNTED
from orders.outbox.round import Round, deliver_outbox

__all__ = [
    "COUNTED",
    "NotASecretError",
    "NotActiveError",
    "Round",
    "check_secret",
    "deliver_outbox",
    "disable",
    "enable",
    "forget_deliveries",
    "forget_endpoint",
    "forget_events",
    "new_secret",
    "old_deliveries",
    "old_events",
    "pause",
    "replay_dead",
    "rotate_secret",
    "send_again",
    "send_events_again",
    "send_test",
]
