-- Visitors who came more than once that day, numbered, by a 64-bit hash: of all others visits and visitors are the same
-- number.
CREATE UNLOGGED TABLE analytics_day_again AS
SELECT visitor, row_number() OVER ()::int AS number
  FROM (SELECT uuid_hash_extended(visitor_id, 0) AS visitor
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
         GROUP BY 1
        HAVING count(*) > 1) AS often
