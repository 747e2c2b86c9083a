-- Visitors of the day, and those of them whose first session ever is among its visits.
SELECT count(*)::int AS unique_visits,
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM sessions_app_visitorsession AS earlier
            WHERE earlier.visitor_id = visitor.visitor_id AND earlier.started_at < %(start)s
       ))::int AS new_users
  FROM (SELECT DISTINCT visitor_id FROM analytics_day_visit WHERE is_counted) AS visitor
