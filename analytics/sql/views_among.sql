-- Pages or products that filtered visits looked at, products with what was bought of them. A page is counted once: what
-- the script saw, or else what the API saw. Definitions as in event_values.sql and buckets.sql.
WITH visit AS NOT MATERIALIZED (
    SELECT session_id, script_page_views > 0 AS has_script
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s - interval '24 hours' AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed) AND ({among})
), seen AS (
    SELECT left(event.{column}, 512) AS value, count(*) AS visits, 0 AS orders, 0 AS revenue
      FROM sessions_app_sessionevent AS event
      JOIN visit USING (session_id)
     WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type = %(event)s
       AND (source = 'script') = has_script AND event.{column} IS NOT NULL
     GROUP BY 1
), bought AS (
    SELECT coalesce(product_id::text, '(deleted)') AS value, 0 AS visits,
           count(DISTINCT orders_orderitem.order_id) AS orders, sum(line_total) AS revenue
      FROM orders_orderitem
      JOIN orders_order ON orders_order.id = orders_orderitem.order_id
     WHERE %(event)s = 'product_view'
       AND status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s AND {of_order}
     GROUP BY 1
)
SELECT coalesce(nullif(value, ''), '(none)') AS value,
       sum(visits)::int AS visits, sum(orders)::int AS orders, coalesce(sum(revenue), 0) AS revenue
  FROM (SELECT * FROM seen UNION ALL SELECT * FROM bought) AS found
 GROUP BY 1
