-- The same from whole days: those of each day, less those of them who had come on another day of the window, and who
-- came only on the last day, which is not over, as far as the window goes. They are looked up one by one (LIMIT 1): of a
-- prepared statement PostgreSQL does not know how short that day is, and would rather read all visits.
SELECT (SELECT coalesce(sum(unique_visits), 0) FROM analytics_dailymetrics WHERE date >= %(first)s AND date < %(open)s)
       - (SELECT coalesce(sum(visitors), 0)
            FROM analytics_dailyreturn
           WHERE dimension = '' AND date >= %(first)s AND date < %(open)s AND previous >= %(first)s)
       + (SELECT count(*)
            FROM (SELECT DISTINCT visitor_id
                    FROM sessions_app_visitorsession
                   WHERE started_at >= %(open_start)s AND started_at < %(end)s
                     AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitor
           WHERE (SELECT true
                    FROM sessions_app_visitorsession AS earlier
                   WHERE earlier.visitor_id = visitor.visitor_id
                     AND started_at >= %(start)s AND started_at < %(open_start)s
                     AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
                   LIMIT 1) IS NULL) AS visitors
