-- Events between two instants that are counted as such, by hour, but those of visits that are not counted. (LIMIT
-- ALL as in sessions.sql.)
SELECT hour,
       count(*) FILTER (WHERE event_type = 'add_to_cart')::int AS cart_additions,
       count(*) FILTER (WHERE event_type = 'checkout_started')::int AS checkouts_started
  FROM (SELECT event_type, width_bucket(timestamp, %(hours)s::timestamptz[]) AS hour
          FROM sessions_app_sessionevent AS event
         WHERE timestamp >= %(start)s AND timestamp < %(end)s
           AND event_type IN ('add_to_cart', 'checkout_started')
           AND (%(all_counted)s
                OR NOT EXISTS (SELECT FROM sessions_app_visitorsession AS visit
                                WHERE visit.session_id = event.session_id
                                  AND (is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s))))
         LIMIT ALL) AS counted
 GROUP BY hour
