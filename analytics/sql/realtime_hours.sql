-- The most of each hour, from its minutes. Nothing becomes less: of a minute that was measured twice the larger counts.
INSERT INTO analytics_realtimehour AS kept (hour, max_active_users, max_users_per_minute)
SELECT (%(hours)s::timestamptz[])[width_bucket(minute, %(hours)s::timestamptz[])],
       max(active_users), max(users_per_minute)
  FROM analytics_realtimemetrics
 WHERE minute >= %(start)s
 GROUP BY 1
    ON CONFLICT (hour) DO UPDATE
   SET max_active_users = greatest(kept.max_active_users, excluded.max_active_users),
       max_users_per_minute = greatest(kept.max_users_per_minute, excluded.max_users_per_minute)
