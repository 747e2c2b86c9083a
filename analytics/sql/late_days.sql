-- Days before today that something has touched since they were computed: an order that was paid or closed (its day and
-- its visit's day). And days of the shop's history that have no row, or none of
-- their hours, or an empty one although there were visits: history that was imported, or computed before there were hours.
-- And days that were computed before all of their events can have come, a day after them: nobody sent the jobs meanwhile.
WITH touched AS (
    SELECT placed_at, started_at, created_at AS at
      FROM orders_orderstatuschange
      JOIN orders_order ON orders_order.id = order_id
      LEFT JOIN sessions_app_visitorsession AS session ON session_id = visitor_session_id
     WHERE created_at >= %(start)s AND field = 'status'
), late AS (
    SELECT (placed_at AT TIME ZONE %(zone)s)::date AS day, at FROM touched
    UNION ALL
    SELECT (started_at AT TIME ZONE %(zone)s)::date, at FROM touched WHERE started_at IS NOT NULL
)
SELECT day
  FROM late
  JOIN analytics_dailymetrics ON date = day
 WHERE at >= computed_at AND day < %(today)s AND NOT is_frozen
UNION
(SELECT day::date
   FROM generate_series(least((SELECT min(date) FROM analytics_dailymetrics),
                              (SELECT (min(started_at) AT TIME ZONE %(zone)s)::date FROM sessions_app_visitorsession),
                              (SELECT (min(placed_at) AT TIME ZONE %(zone)s)::date FROM orders_order))::timestamp,
                        %(today)s::timestamp - interval '1 day', interval '1 day') AS day
   LEFT JOIN analytics_dailymetrics ON date = day::date
  WHERE date IS NULL
     OR NOT is_frozen AND NOT EXISTS (
        SELECT FROM analytics_hourlymetrics
         WHERE hour >= day AT TIME ZONE %(zone)s + interval '4 hours'
           AND hour < day AT TIME ZONE %(zone)s + interval '20 hours')
     OR NOT is_frozen AND day < %(today)s::timestamp - interval '1 day'
        AND computed_at < (day + interval '2 days') AT TIME ZONE %(zone)s
     OR NOT is_frozen AND total_visits = 0 AND EXISTS (
        SELECT FROM sessions_app_visitorsession
         -- of a midnight that does not exist or comes twice PostgreSQL may think otherwise than we do
         WHERE started_at >= day AT TIME ZONE %(zone)s - interval '2 hours'
           AND started_at < (day + interval '1 day') AT TIME ZONE %(zone)s + interval '2 hours'
           AND (started_at AT TIME ZONE %(zone)s)::date = day::date
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed))
  ORDER BY day DESC
  LIMIT %(most)s)
