"""Orders and what was paid for them, as staff see them; a file a screen."""

from orders.admin.inbox import WebhookReceiptAdmin
from orders.admin.orders import OrderAdmin, OrderStatusChangeAdmin
from orders.admin.outbox import OutboxEventAdmin, WebhookDeliveryAdmin
from orders.admin.payments import OrderSessionAdmin, PaymentAttemptAdmin, RefundAdmin
from orders.admin.subscribers import WebhookEndpointAdmin
from orders.admin.windows import WindowRuleAdmin

__all__ = [
    "OrderAdmin",
    "OrderSessionAdmin",
    "OrderStatusChangeAdmin",
    "OutboxEventAdmin",
    "PaymentAttemptAdmin",
    "RefundAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
    "WebhookReceiptAdmin",
    "WindowRuleAdmin",
]
