-- Sales by the day the money came, outcomes by the day the order was placed, refunds by the day they were made.
WITH paid AS (
    SELECT count(*)::int AS total_orders,
           coalesce(sum(total), 0) AS total_sales,
           coalesce(sum(subtotal), 0) AS gross_sales,
           coalesce(sum(discount_amount), 0) AS discounts,
           coalesce(sum(shipping_amount), 0) AS shipping,
           coalesce(sum(tax_amount), 0) AS tax,
           count(*) FILTER (WHERE visitor_session_id IS NULL)::int AS sessionless_orders,
           coalesce(sum(total) FILTER (WHERE visitor_session_id IS NULL), 0) AS sessionless_sales,
           count(*) FILTER (WHERE fulfillment_status = 'pending')::int AS pending_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'processing')::int AS processing_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'shipped')::int AS shipped_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'delivered')::int AS delivered_fulfillment,
           count(*) FILTER (WHERE fulfillment_status = 'canceled')::int AS canceled_fulfillment
      FROM orders_order
     WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s
), placed AS (
    SELECT count(*)::int AS placed_orders,
           count(*) FILTER (WHERE status = 'success')::int AS placed_and_paid,
           count(*) FILTER (WHERE status = 'failed')::int AS failed_orders,
           count(*) FILTER (WHERE status = 'expired')::int AS expired_orders,
           count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled_orders
      FROM orders_order
     WHERE placed_at >= %(start)s AND placed_at < %(end)s
), refunded AS (
    SELECT coalesce(sum(amount), 0) AS refunds
      FROM orders_refund
     WHERE was_sale AND status = 'done' AND made_at >= %(start)s AND made_at < %(end)s
), joined AS (
    SELECT count(*)::int AS new_customers,
           count(*) FILTER (WHERE type = 'registered')::int AS new_registered
      FROM customers_customer
     WHERE created_at >= %(start)s AND created_at < %(end)s
), crawled AS (
    SELECT coalesce(sum(page_views), 0)::int AS crawler_page_views
      FROM sessions_app_crawlerday
     WHERE day = %(day)s
)
SELECT * FROM paid, placed, refunded, joined, crawled
