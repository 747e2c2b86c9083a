-- Distinct visitors of each of some values, over a whole range: never the sum of days. {column} is one of ours.
SELECT value, count(*)::int AS visitors
  FROM (SELECT DISTINCT CASE {column} WHEN '' THEN '(none)' ELSE {column} END AS value, visitor_id
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS seen
 WHERE value = ANY(%(values)s)
 GROUP BY value
