-- Distinct visitors of a window and of the one it is compared with. Never the sum of days.
SELECT (SELECT count(*)
          FROM (SELECT DISTINCT visitor_id
                  FROM sessions_app_visitorsession
                 WHERE started_at >= %(start)s AND started_at < %(end)s
                   AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitor) AS current,
       (SELECT count(*)
          FROM (SELECT DISTINCT visitor_id
                  FROM sessions_app_visitorsession
                 WHERE started_at >= %(previous_start)s AND started_at < %(previous_end)s
                   AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitor) AS previous
