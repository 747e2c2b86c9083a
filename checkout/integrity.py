"""What must agree between checkouts, coupons and orders (`core.integrity`)."""

from core.integrity import Check, register

COUPONS = Check(
    "coupon_count_is_its_uses",
    "A coupon's count is that of its uses.",
    """
SELECT c.code AS row_name, format('counted %%s, used %%s', c.used_count, coalesce(u.uses, 0)) AS problem
FROM checkout_coupon c
LEFT JOIN (SELECT coupon_id, count(*) AS uses FROM checkout_couponuse GROUP BY 1) u ON u.coupon_id = c.id
WHERE c.used_count <> coalesce(u.uses, 0)
""",
)
USES = Check(
    "coupon_use_is_of_a_live_order",
    "Only an order that is pending or paid holds a use of a coupon.",
    """
SELECT o.number AS row_name, format('%%s, holds a use of %%s', o.status, c.code) AS problem
FROM checkout_couponuse u JOIN orders_order o ON o.id = u.order_id JOIN checkout_coupon c ON c.id = u.coupon_id
WHERE o.status NOT IN ('pending', 'success')
""",
)
CHECKOUTS = Check(
    "checkout_ends_as_its_order",
    "A checkout is open, a success, a failure or a timeout as its order says.",
    """
SELECT o.number AS row_name, format('order %%s, checkout %%s', o.status, c.status) AS problem
FROM checkout_checkoutsession c JOIN orders_order o ON o.id = c.order_id
WHERE c.status <> CASE o.status WHEN 'pending' THEN 'open' WHEN 'success' THEN 'success'
                                WHEN 'expired' THEN 'timeout' ELSE 'failure' END
""",
)
SUCCESSES = Check(
    "checkout_success_has_its_order",
    "A checkout that is a success has an order, and each names the other.",
    """
SELECT c.id::text AS row_name, format('%%s, order %%s', c.status, coalesce(o.number, 'is none')) AS problem
FROM checkout_checkoutsession c LEFT JOIN orders_order o ON o.checkout_id = c.id
WHERE (c.status = 'success' AND o.id IS NULL) OR (o.id IS NOT NULL AND c.order_id IS DISTINCT FROM o.id)
""",
)
RECOVERED = Check(
    "recovered_checkout_was_paid",
    "An abandoned checkout that counts as recovered has the order that was paid, with its total.",
    """
SELECT c.id::text AS row_name,
       format('recovered with %%s, order %%s of %%s', c.recovered_total, o.status, o.total) AS problem
FROM checkout_checkoutsession c JOIN orders_order o ON o.id = c.recovered_order_id
WHERE o.status <> 'success' OR o.total <> c.recovered_total
""",
)


def register_checks() -> None:
    """Makes them known; called when the app is ready."""
    register(COUPONS, USES, CHECKOUTS, SUCCESSES, RECOVERED)
