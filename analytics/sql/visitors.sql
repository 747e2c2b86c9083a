-- Visitors by the hour of their first visit of the window, and those of them whose first session ever is in it.
WITH all_of_them AS MATERIALIZED (
    SELECT hour, count(*) AS visitors
      FROM visitor
     CROSS JOIN LATERAL unnest(ARRAY[width_bucket(came_at, %(hours)s::timestamptz[])]) AS of_visitor (hour)
     GROUP BY hour
), known_ones AS MATERIALIZED (
    SELECT hour, count(*) AS known
      FROM visitor
     CROSS JOIN LATERAL unnest(ARRAY[width_bucket(came_at, %(hours)s::timestamptz[])]) AS of_visitor (hour)
     WHERE EXISTS (SELECT FROM earlier WHERE earlier.visitor_id = visitor.visitor_id)
     GROUP BY hour
)
SELECT hour, visitors::int, (visitors - coalesce(known, 0))::int AS new_users
  FROM all_of_them
  LEFT JOIN known_ones USING (hour)
