-- What happened on the day, by page or product and visitor: the only pass over the events. A page is counted once: what
-- the script saw, or else what the API saw.
CREATE UNLOGGED TABLE analytics_day_view AS
SELECT event_type,
       CASE event_type WHEN 'page_view' THEN left(page, 512) END AS page,
       CASE event_type WHEN 'product_view' THEN product_id END AS product_id,
       uuid_hash_extended(visitor_id, 0) AS visitor,
       count(*) AS views
  FROM sessions_app_sessionevent
 WHERE timestamp >= %(start)s AND timestamp < %(end)s
   AND session_id NOT IN (SELECT session_id FROM analytics_day_visit WHERE is_uncounted)
   AND (event_type IN ('add_to_cart', 'checkout_started')
        OR (event_type = 'page_view' OR event_type = 'product_view' AND product_id IS NOT NULL)
           AND (source = 'script' OR session_id IN (SELECT session_id FROM analytics_day_visit WHERE is_scriptless)))
 GROUP BY 1, 2, 3, 4
