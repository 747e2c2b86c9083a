-- The values of the day with what was bought, and the row that each will be: its own for the first so many values of a
-- dimension, one for the rest; numbered within the dimension. What is empty is `(none)`, and whoever calls a value of
-- theirs so or `(other)` is counted there, as the same visitor.
CREATE UNLOGGED TABLE analytics_day_bucket AS
WITH bought AS (
    SELECT dimension, coalesce(nullif(value, ''), '(none)') AS value, count(*) AS orders, sum(total) AS revenue
      FROM orders_order
      JOIN sessions_app_visitorsession ON session_id = visitor_session_id
     CROSS JOIN LATERAL (VALUES
           ('channel', channel), ('source', utm_source), ('medium', utm_medium), ('campaign', utm_campaign),
           ('referrer', referrer_host), ('landing_page', left(landing_page, 512)), ('country', country),
           ('city', city), ('device', device), ('browser', browser), ('os', os)) AS by_dimension (dimension, value)
     WHERE orders_order.status = 'success'
       -- a visit lasts 24 hours at most, so does the wait for an order of it
       AND placed_at >= %(start)s AND placed_at < %(end)s + interval '24 hours'
       AND started_at >= %(start)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
     GROUP BY 1, 2
    UNION ALL
    SELECT 'product', coalesce(product_id::text, '(deleted)'), count(DISTINCT order_id), sum(line_total)
      FROM orders_orderitem
      JOIN orders_order ON orders_order.id = order_id
     WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s
     GROUP BY 2
), ranked AS (
    SELECT dimension, value, coalesce(visits, 0) AS visits, coalesce(orders, 0) AS orders,
           coalesce(revenue, 0) AS revenue,
           value = '(other)'
           OR row_number() OVER (PARTITION BY dimension
                                 ORDER BY visits DESC NULLS LAST, revenue DESC NULLS LAST, value) > %(kept)s AS is_rest
      FROM (SELECT dimension, coalesce(nullif(left(value, 512), ''), '(none)') AS value, sum(visits) AS visits
              FROM (SELECT dimension, value, visits FROM analytics_day_visit_value
                    UNION ALL
                    SELECT dimension, value, visits FROM analytics_day_value) AS counted
             GROUP BY 1, 2) AS seen
      FULL JOIN bought USING (dimension, value)
)
SELECT *, dense_rank() OVER (PARTITION BY dimension ORDER BY is_rest, CASE WHEN is_rest THEN '' ELSE value END)::int
           AS bucket
  FROM ranked
