-- Visitors by the hour of their first visit of the window, and those of them whose first session ever is in it.
WITH visitor AS MATERIALIZED (
    SELECT visitor_id, min(started_at) AS came_at FROM visit GROUP BY visitor_id
)
SELECT hour, visitors::int, (visitors - coalesce(known, 0))::int AS new_users
  FROM (SELECT width_bucket(came_at, %(hours)s::timestamptz[]) AS hour, count(*) AS visitors
          FROM visitor
         GROUP BY hour) AS all_of_them
  LEFT JOIN (SELECT width_bucket(came_at, %(hours)s::timestamptz[]) AS hour, count(*) AS known
               FROM visitor
              WHERE EXISTS (SELECT FROM earlier WHERE earlier.visitor_id = visitor.visitor_id)
              GROUP BY hour) AS known_ones USING (hour)
