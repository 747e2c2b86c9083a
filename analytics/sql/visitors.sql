-- Visitors of the window, and those of them whose first session ever is among its visits.
SELECT unique_visits, unique_visits - known AS new_users
  FROM (SELECT count(*)::int AS unique_visits FROM (SELECT DISTINCT visitor_id FROM visit) AS visitor) AS all_of_them,
       (SELECT count(*)::int AS known
          FROM (SELECT DISTINCT visitor_id
                  FROM visit
                 WHERE EXISTS (SELECT FROM sessions_app_visitorsession AS earlier
                                WHERE earlier.visitor_id = visit.visitor_id
                                  AND earlier.started_at < %(start)s)) AS visitor) AS known_ones
