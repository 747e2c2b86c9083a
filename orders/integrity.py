"""What must agree between orders, their payment, their stock and the totals made of them (`core.integrity`)."""

from datetime import datetime, timedelta

from core.integrity import Check, register
from orders.services.closing import BILLING_GRACE

OVERDUE = BILLING_GRACE + timedelta(minutes=2)
"""How long after its window a pending order may be there: the grace, and two runs of the job."""


def overdue(now: datetime) -> dict[str, datetime]:
    """When the window of a pending order must not have ended before."""
    return {"overdue": now - OVERDUE}


CHECKS = (
    Check(
        "order_holds_its_stock",
        "Pending and paid orders hold the pieces they ordered, others none.",
        """
WITH held AS (
    SELECT order_id, product_id, -sum(delta) AS pieces FROM catalog_stockmovement
    WHERE order_id IS NOT NULL GROUP BY 1, 2
),
ordered AS (
    SELECT order_id, product_id, sum(quantity) AS pieces FROM orders_orderitem
    WHERE product_id IS NOT NULL GROUP BY 1, 2
),
due AS (
    SELECT o.number, o.status, p.sku, p.track_stock, held.pieces AS held,
           CASE WHEN o.status IN ('pending', 'success') THEN coalesce(ordered.pieces, 0) ELSE 0 END AS wanted
    FROM held JOIN orders_order o ON o.id = held.order_id JOIN catalog_product p ON p.id = held.product_id
    LEFT JOIN ordered ON ordered.order_id = held.order_id AND ordered.product_id = held.product_id
)
SELECT number AS row_name, format('%%s, holds %%s of %%s, not %%s', status, held, sku, wanted) AS problem
FROM due WHERE held <> wanted AND (held <> 0 OR track_stock)
""",
    ),
    Check(
        "product_totals_are_paid_orders",
        "What a product sold and earned is the sum of its paid orders.",
        """
SELECT p.sku AS row_name, format('sold %%s for %%s, paid orders say %%s for %%s', p.total_sold, p.total_revenue,
                                 coalesce(s.pieces, 0), coalesce(s.money, 0)) AS problem
FROM catalog_product p
LEFT JOIN (
    SELECT i.product_id, sum(i.quantity) AS pieces, sum(i.line_total) AS money
    FROM orders_orderitem i JOIN orders_order o ON o.id = i.order_id WHERE o.status = 'success' GROUP BY 1
) s ON s.product_id = p.id
WHERE (p.total_sold, p.total_revenue) <> (coalesce(s.pieces, 0), coalesce(s.money, 0))
""",
    ),
    Check(
        "customer_totals_are_paid_orders",
        "What a customer ordered and spent is the sum of the paid orders, less refunds.",
        """
SELECT c.id::text AS row_name, format('%%s orders for %%s, paid orders say %%s for %%s', c.total_orders, c.total_spent,
                                      coalesce(s.orders, 0), coalesce(s.money, 0)) AS problem
FROM customers_customer c
LEFT JOIN (
    SELECT customer_id, count(*) AS orders, sum(total - refunded_amount) AS money
    FROM orders_order WHERE status = 'success' GROUP BY 1
) s ON s.customer_id = c.id
WHERE (c.total_orders, c.total_spent) <> (coalesce(s.orders, 0), coalesce(s.money, 0))
""",
    ),
    Check(
        "order_total_is_its_parts",
        "An order's total is the sum of its parts, its subtotal that of its lines.",
        """
SELECT o.number AS row_name, format('subtotal %%s, lines %%s, total %%s', o.subtotal, l.money, o.total) AS problem
FROM orders_order o
LEFT JOIN (SELECT order_id, sum(line_total) AS money FROM orders_orderitem GROUP BY 1) l ON l.order_id = o.id
WHERE o.subtotal <> coalesce(l.money, o.subtotal)
   OR o.total - (o.subtotal - o.discount_amount + o.shipping_amount) NOT IN (0, o.tax_amount)
""",
    ),
    Check(
        "pending_order_is_in_its_window",
        "No pending order is long past its payment window, or without one.",
        """
SELECT o.number AS row_name, coalesce(format('its window ended %%s', s.expires_at), 'it has no window') AS problem
FROM orders_order o LEFT JOIN orders_ordersession s ON s.order_id = o.id
WHERE o.status = 'pending' AND coalesce(s.expires_at, '-infinity') < %(overdue)s
""",
        overdue,
    ),
    Check(
        "window_ends_as_its_order",
        "A payment window is active, completed, expired or cancelled as its order says.",
        """
SELECT o.number AS row_name, format('order %%s, window %%s', o.status, s.status) AS problem
FROM orders_ordersession s JOIN orders_order o ON o.id = s.order_id
WHERE s.status <> CASE o.status WHEN 'pending' THEN 'active' WHEN 'success' THEN 'completed'
                                WHEN 'expired' THEN 'expired' ELSE 'cancelled' END
""",
    ),
    Check(
        "history_ends_in_the_status",
        "The last change in an order's history led to the status it has.",
        """
SELECT o.number AS row_name, format('status %%s, history says %%s', o.status, h.new) AS problem
FROM orders_order o
JOIN (SELECT DISTINCT ON (order_id) order_id, new FROM orders_orderstatuschange
      WHERE field = 'status' ORDER BY order_id, id DESC) h ON h.order_id = o.id
WHERE h.new <> o.status
""",
    ),
    Check(
        "paid_attempt_is_accounted_for",
        "Money that came counts as its order's payment, or the order is marked for staff until they decided.",
        """
SELECT o.number AS row_name, format('%%s, attempt %%s was paid', o.status, a.number) AS problem
FROM orders_paymentattempt a JOIN orders_ordersession s ON s.id = a.order_session_id
JOIN orders_order o ON o.id = s.order_id
WHERE a.status = 'success' AND a.counted_at IS NULL AND o.needs_attention = '' AND NOT EXISTS (
    SELECT FROM orders_orderstatuschange h
    WHERE h.order_id = o.id AND h.field = 'needs_attention' AND h.new = '' AND h.created_at >= a.resolved_at)
""",
    ),
    Check(
        "counted_money_is_that_of_a_paid_order",
        "Money that counts was paid, made its order a success, and is not sent back as if it did not.",
        """
SELECT o.number AS row_name, format('%%s, attempt %%s counts and is %%s', o.status, a.number, a.status) AS problem
FROM orders_paymentattempt a JOIN orders_ordersession s ON s.id = a.order_session_id
JOIN orders_order o ON o.id = s.order_id
WHERE a.counted_at IS NOT NULL AND (a.status <> 'success' OR o.status <> 'success'
   OR EXISTS (SELECT FROM orders_refund r WHERE r.attempt_id = a.id AND NOT r.was_sale))
""",
    ),
    Check(
        "refund_is_of_money_that_came",
        "What goes back of a sale was counted; what never counted goes back as it came.",
        """
SELECT o.number AS row_name, format('%%s %%s of attempt %%s, which took %%s', r.amount, r.status, a.number,
                                    coalesce(a.paid_amount::text, 'nothing')) AS problem
FROM orders_refund r JOIN orders_paymentattempt a ON a.id = r.attempt_id
JOIN orders_ordersession s ON s.id = a.order_session_id JOIN orders_order o ON o.id = s.order_id
WHERE CASE WHEN r.was_sale THEN a.counted_at IS NULL ELSE r.amount IS DISTINCT FROM a.paid_amount END
""",
    ),
    Check(
        "refunded_amount_is_its_refunds",
        "What an order says was refunded is what went back of its sale.",
        """
SELECT o.number AS row_name, format('refunded %%s, refunds say %%s', o.refunded_amount, coalesce(r.money, 0)) AS problem
FROM orders_order o
LEFT JOIN (
    SELECT coalesce(f.order_id, s.order_id) AS order_id, sum(f.amount) AS money
    FROM orders_refund f LEFT JOIN orders_paymentattempt a ON a.id = f.attempt_id
    LEFT JOIN orders_ordersession s ON s.id = a.order_session_id
    WHERE f.status = 'done' AND f.was_sale GROUP BY 1
) r ON r.order_id = o.id
WHERE o.refunded_amount <> coalesce(r.money, 0)
""",
    ),
    Check(
        "paid_order_converts_its_visit",
        "The visit in which a paid order was placed is converted.",
        """
SELECT o.number AS row_name, format('visit %%s is not converted', v.session_id) AS problem
FROM orders_order o JOIN sessions_app_visitorsession v ON v.session_id = o.visitor_session_id
WHERE o.status = 'success' AND NOT v.converted
""",
    ),
    Check(
        "paid_order_has_its_money",
        "A paid order that cost something has an attempt whose money counts.",
        """
SELECT o.number AS row_name, format('paid %%s, and no money counts', o.total) AS problem
FROM orders_order o JOIN orders_ordersession s ON s.order_id = o.id
WHERE o.status = 'success' AND o.total > 0 AND NOT EXISTS (
    SELECT FROM orders_paymentattempt a WHERE a.order_session_id = s.id AND a.counted_at IS NOT NULL)
""",
    ),
    Check(
        "one_open_attempt_at_most",
        "An order has one open attempt at most, and none once it is closed unpaid.",
        """
SELECT o.number AS row_name, format('%%s, %%s open attempts', o.status, count(*)) AS problem
FROM orders_paymentattempt a JOIN orders_ordersession s ON s.id = a.order_session_id
JOIN orders_order o ON o.id = s.order_id
WHERE a.status = 'open' GROUP BY o.number, o.status HAVING count(*) > 1 OR o.status NOT IN ('pending', 'success')
""",
    ),
    Check(
        "window_counts_its_attempts",
        "A payment window counts its attempts.",
        """
SELECT o.number AS row_name, format('counted %%s, opened %%s', s.payment_attempts, coalesce(a.opened, 0)) AS problem
FROM orders_ordersession s JOIN orders_order o ON o.id = s.order_id
LEFT JOIN (SELECT order_session_id, count(*) AS opened FROM orders_paymentattempt GROUP BY 1) a
  ON a.order_session_id = s.id
WHERE s.payment_attempts <> coalesce(a.opened, 0)
""",
    ),
)


def register_checks() -> None:
    """Makes them known; called when the app is ready."""
    register(*CHECKS)
