-- Visitors by the hour of their first visit of the window, and those of them whose first session ever is in it. (LIMIT
-- ALL as in sessions.sql.)
WITH all_of_them AS MATERIALIZED (
    SELECT hour, count(*) AS visitors
      FROM (SELECT width_bucket(came_at, %(hours)s::timestamptz[]) AS hour FROM visitor LIMIT ALL) AS came
     GROUP BY hour
), known_ones AS MATERIALIZED (
    SELECT hour, count(*) AS known
      FROM (SELECT width_bucket(came_at, %(hours)s::timestamptz[]) AS hour
              FROM visitor
             WHERE EXISTS (SELECT FROM earlier WHERE earlier.visitor_id = visitor.visitor_id)
             LIMIT ALL) AS came
     GROUP BY hour
)
SELECT hour, visitors::int, (visitors - coalesce(known, 0))::int AS new_users
  FROM all_of_them
  LEFT JOIN known_ones USING (hour)
