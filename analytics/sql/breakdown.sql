-- The rows of the day: `day_value` with the orders of its visits, the first so many values of each dimension, and the
-- rest as one: its visitors are those of its values, less how often one was counted again. (None counted twice came once.)
CREATE TEMPORARY TABLE fresh_breakdown ON COMMIT DROP AS
WITH unfolded AS NOT MATERIALIZED (
    SELECT dimension, value, session_id, comes_again
      FROM analytics_day_visit
     CROSS JOIN LATERAL (VALUES
           ('channel', channel), ('source', source), ('medium', medium), ('campaign', campaign),
           ('referrer', referrer), ('landing_page', landing_page), ('country', country), ('city',
           city), ('device', device), ('browser', browser), ('os', os)) AS by_dimension (dimension, value)
     WHERE is_counted
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
), seen AS NOT MATERIALIZED (
    SELECT dimension, value, comes_again AS visitor FROM unfolded WHERE comes_again IS NOT NULL
    UNION ALL
    SELECT CASE event_type WHEN 'page_view' THEN 'page' ELSE 'product' END, coalesce(page, product_id::text), visitor
      FROM analytics_day_view
     WHERE event_type IN ('page_view', 'product_view')
), rest_of_visitor AS (
    SELECT dimension, visitor, count(*) - 1 AS too_many
      FROM (SELECT DISTINCT dimension, value, visitor FROM seen JOIN ranked USING (dimension, value) WHERE is_rest) AS rest
     GROUP BY dimension, visitor
), counted_again AS (
    SELECT dimension, sum(too_many) AS visitors FROM rest_of_visitor GROUP BY dimension
)
SELECT dimension, CASE value WHEN '' THEN '(none)' ELSE value END AS value,
       visits::int, visitors::int, orders::int, revenue
  FROM ranked
 WHERE NOT is_rest
UNION ALL
SELECT dimension, '(other)', sum(ranked.visits)::int,
       (sum(ranked.visitors) - coalesce(max(counted_again.visitors), 0))::int, sum(orders)::int, sum(revenue)
  FROM ranked
  LEFT JOIN counted_again USING (dimension)
 WHERE is_rest
 GROUP BY dimension
