-- The rows of the day: `day_value` with the orders of its visits, the first so many values of each dimension, and the
-- rest as one. Visitors of the rest are counted over it; that reads nothing again when there is no rest.
CREATE TEMPORARY TABLE fresh_breakdown ON COMMIT DROP AS
WITH unfolded AS NOT MATERIALIZED (
    SELECT dimension, value, session_id, visitor_id
      FROM analytics_day_visit
     CROSS JOIN LATERAL (VALUES
           ('channel', channel), ('source', source), ('medium', medium), ('campaign', campaign),
           ('referrer', referrer), ('landing_page', landing_page), ('country', country), ('city',
           city), ('device', device), ('browser', browser), ('os', os)) AS by_dimension (dimension, value)
), viewed AS NOT MATERIALIZED (
    SELECT CASE event_type WHEN 'page_view' THEN 'page' ELSE 'product' END AS dimension,
           CASE event_type WHEN 'page_view' THEN left(page, 512) ELSE product_id::text END AS value,
           event.visitor_id
      FROM sessions_app_sessionevent AS event
      JOIN sessions_app_visitorsession AS session USING (session_id)
     WHERE event.timestamp >= %(start)s AND event.timestamp < %(end)s
       AND (event_type = 'page_view' OR event_type = 'product_view' AND product_id IS NOT NULL)
       AND NOT session.is_bot AND (%(count_unconfirmed)s OR NOT session.unconfirmed)
       AND (event.source = 'script' OR session.script_page_views = 0)
), bought AS (
    SELECT dimension, value, count(*) AS orders, sum(total) AS revenue
      FROM unfolded
      JOIN orders_order ON visitor_session_id = session_id
     WHERE orders_order.status = 'success'
       -- a visit lasts 24 hours at most, so does the wait for an order of it
       AND placed_at >= %(start)s AND placed_at < %(end)s + interval '24 hours'
     GROUP BY dimension, value
    UNION ALL
    SELECT 'product', coalesce(product_id::text, '(deleted)'), count(DISTINCT order_id), sum(line_total)
      FROM orders_orderitem
      JOIN orders_order ON orders_order.id = order_id
     WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s
     GROUP BY 2
), ranked AS MATERIALIZED (
    SELECT dimension, value, coalesce(visits, 0) AS visits, coalesce(visitors, 0) AS visitors,
           coalesce(orders, 0) AS orders, coalesce(revenue, 0) AS revenue,
           row_number() OVER (PARTITION BY dimension
                              ORDER BY visits DESC NULLS LAST, revenue DESC NULLS LAST, value) > %(kept)s AS is_rest
      FROM day_value
      FULL JOIN bought USING (dimension, value)
), rest_visitors AS (
    -- counted as distinct rows, not as count(DISTINCT): that would have to sort, and sorting is off here
    SELECT dimension, count(*) AS visitors
      FROM (SELECT DISTINCT dimension, visitor_id
              FROM unfolded JOIN ranked USING (dimension, value) WHERE is_rest) AS visitor
     GROUP BY dimension
    UNION ALL
    SELECT dimension, count(*)
      FROM (SELECT DISTINCT dimension, visitor_id
              FROM viewed JOIN ranked USING (dimension, value) WHERE is_rest) AS visitor
     GROUP BY dimension
)
SELECT dimension, CASE value WHEN '' THEN '(none)' ELSE value END AS value,
       visits::int, visitors::int, orders::int, revenue
  FROM ranked
 WHERE NOT is_rest
UNION ALL
SELECT dimension, '(other)', sum(ranked.visits)::int, coalesce(max(rest_visitors.visitors), 0)::int,
       sum(orders)::int, sum(revenue)
  FROM ranked
  LEFT JOIN rest_visitors USING (dimension)
 WHERE is_rest
 GROUP BY dimension
