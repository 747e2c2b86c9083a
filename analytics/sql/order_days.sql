-- Days before today of which something has changed lately that orders alone tell: how far those paid on them are on their
-- way; and what became of those placed on a day whose visits are gone.
SELECT DISTINCT date AS day
  FROM orders_orderstatuschange
  JOIN orders_order ON orders_order.id = order_id
  JOIN analytics_dailymetrics
    ON date = (CASE field WHEN 'status' THEN placed_at ELSE paid_at END AT TIME ZONE %(zone)s)::date
 WHERE created_at >= %(start)s AND (field = 'fulfillment_status' OR field = 'status' AND is_frozen)
   AND date < %(today)s AND (is_frozen OR created_at >= computed_at)
 ORDER BY day
