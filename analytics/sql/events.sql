-- Events that are counted as such, whichever day their session began.
SELECT count(*) FILTER (WHERE event_type = 'add_to_cart')::int AS cart_additions,
       count(*) FILTER (WHERE event_type = 'checkout_started')::int AS checkouts_started
  FROM sessions_app_sessionevent
 WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type IN ('add_to_cart', 'checkout_started')
   AND session_id NOT IN (SELECT session_id FROM analytics_day_odd_session WHERE is_uncounted)
