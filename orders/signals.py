"""What the floors above hear. Sent inside the transaction of the change; receivers do their part of it.

Each carries `orders: list[Order]` (placed and paid ones come alone) and `now`; `payment_failed` carries `attempt`.
"""

from django.dispatch import Signal

order_placed = Signal()
order_paid = Signal()
order_closed = Signal()
payment_failed = Signal()
