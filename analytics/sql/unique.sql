-- Distinct visitors of a window. Never the sum of days.
SELECT count(*) AS visitors
  FROM (SELECT DISTINCT visitor_id
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitor
