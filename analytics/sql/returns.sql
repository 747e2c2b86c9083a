-- Visitors of a day by the last day on which they had come with the same value, of each dimension that a visit tells.
-- {values} are ours: dimensions and where a visit keeps them.
INSERT INTO analytics_dailyreturn (date, dimension, value, previous, visitors)
WITH old_one AS MATERIALIZED (
    SELECT visitor_id
      FROM (SELECT DISTINCT visitor_id
              FROM sessions_app_visitorsession
             WHERE started_at >= %(start)s AND started_at < %(end)s
               AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitor
     WHERE EXISTS (SELECT FROM sessions_app_visitorsession AS earlier
                    WHERE earlier.visitor_id = visitor.visitor_id AND started_at >= %(since)s AND started_at < %(start)s)
), visit AS MATERIALIZED (
    SELECT visitor_id, (started_at AT TIME ZONE %(zone)s)::date AS day, dimension,
           CASE value WHEN '' THEN '(none)' ELSE value END AS value
      FROM old_one
      JOIN sessions_app_visitorsession USING (visitor_id)
     CROSS JOIN LATERAL (VALUES {values}) AS by_dimension (dimension, value)
     WHERE started_at >= %(since)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
     GROUP BY 1, 2, 3, 4
)
SELECT %(day)s, dimension, value, previous, count(*)
  FROM (SELECT visitor_id, dimension, value, max(before.day) AS previous
          FROM visit
          JOIN visit AS before USING (visitor_id, dimension, value)
          JOIN analytics_dailybreakdown AS kept USING (dimension, value)
         WHERE visit.day = %(day)s AND before.day < %(day)s AND kept.date = before.day
         GROUP BY 1, 2, 3) AS came
 WHERE EXISTS (SELECT FROM analytics_dailybreakdown AS kept
                WHERE date = %(day)s AND kept.dimension = came.dimension AND kept.value = came.value)
 GROUP BY dimension, value, previous
