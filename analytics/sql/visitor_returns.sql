-- All visitors of a day by the last day on which they had come: of no dimension.
INSERT INTO analytics_dailyreturn (date, dimension, value, previous, visitors)
SELECT %(day)s, '', '', (came_at AT TIME ZONE %(zone)s)::date, count(*)
  FROM (SELECT DISTINCT visitor_id
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitor
 CROSS JOIN LATERAL (SELECT max(started_at) AS came_at
                       FROM sessions_app_visitorsession AS earlier
                      WHERE earlier.visitor_id = visitor.visitor_id
                        AND started_at >= %(since)s AND started_at < %(start)s
                        AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS before
 WHERE came_at IS NOT NULL
 GROUP BY 4
