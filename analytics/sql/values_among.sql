-- The values of what visits say of themselves, of filtered visits, with the orders that these placed. Definitions as in
-- values.sql and buckets.sql.
WITH visit AS NOT MATERIALIZED (
    SELECT session_id, {column} AS value
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed) AND ({among})
)
SELECT coalesce(nullif(value, ''), '(none)') AS value,
       sum(visits)::int AS visits, sum(orders)::int AS orders, coalesce(sum(revenue), 0) AS revenue
  FROM (SELECT value, count(*) AS visits, 0 AS orders, 0 AS revenue FROM visit GROUP BY value
        UNION ALL
        SELECT value, 0, count(*), sum(total)
          FROM orders_order
          JOIN visit ON session_id = visitor_session_id
         WHERE status = 'success' AND placed_at >= %(start)s AND placed_at < %(end)s + interval '24 hours'
         GROUP BY value) AS found
 GROUP BY 1
