-- Sales by the hour the money came, outcomes by the hour the order was placed, refunds by the hour they were made.
WITH paid AS (
    SELECT width_bucket(paid_at, %(hours)s::timestamptz[]) AS hour,
           count(*)::int AS total_orders,
           sum(total) AS total_sales,
           sum(subtotal) AS gross_sales,
           sum(discount_amount) AS discounts,
           sum(shipping_amount) AS shipping,
           sum(tax_amount) AS tax,
           count(*) FILTER (WHERE visitor_session_id IS NULL)::int AS sessionless_orders,
           sum(total) FILTER (WHERE visitor_session_id IS NULL) AS sessionless_sales,
           count(*) FILTER (WHERE fulfillment_status = 'pending')::int AS pending_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'processing')::int AS processing_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'shipped')::int AS shipped_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'delivered')::int AS delivered_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'canceled')::int AS canceled_fulfillment
      FROM ordered
     WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s
     GROUP BY hour
), placed AS (
    SELECT width_bucket(placed_at, %(hours)s::timestamptz[]) AS hour,
           count(*)::int AS placed_orders,
           count(*) FILTER (WHERE status = 'success')::int AS placed_and_paid,
           count(*) FILTER (WHERE status = 'failed')::int AS failed_orders,
           count(*) FILTER (WHERE status = 'expired')::int AS expired_orders,
           count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled_orders
      FROM ordered
     WHERE placed_at >= %(start)s AND placed_at < %(end)s
     GROUP BY hour
), refunded AS (
    SELECT width_bucket(made_at, %(hours)s::timestamptz[]) AS hour, sum(amount) AS refunds
      FROM orders_refund
     WHERE was_sale AND status = 'done' AND made_at >= %(start)s AND made_at < %(end)s AND {of_refund}
     GROUP BY hour
), joined AS (
    SELECT width_bucket(created_at, %(hours)s::timestamptz[]) AS hour,
           count(*)::int AS new_customers,
           count(*) FILTER (WHERE type = 'registered')::int AS new_registered
      FROM customers_customer
     WHERE created_at >= %(start)s AND created_at < %(end)s AND {of_customer}
     GROUP BY hour
)
SELECT * FROM paid FULL JOIN placed USING (hour) FULL JOIN refunded USING (hour) FULL JOIN joined USING (hour)
