-- Views by page and by product, in one go. A page is counted once: what the script saw, or else what the API saw. (LIMIT
-- ALL as in sessions.sql.)
CREATE UNLOGGED TABLE analytics_day_value AS
SELECT CASE WHEN product_id IS NULL THEN 'page' ELSE 'product' END AS dimension,
       coalesce(page, product_id::text) AS value, visits
  FROM (SELECT page, product_id, count(*) AS visits
          FROM (SELECT CASE event_type WHEN 'page_view' THEN page END AS page,
                       CASE event_type WHEN 'product_view' THEN product_id END AS product_id
                  FROM sessions_app_sessionevent
                 WHERE timestamp >= %(start)s AND timestamp < %(end)s
                   AND (event_type = 'page_view' OR event_type = 'product_view' AND product_id IS NOT NULL)
                   AND (%(all_counted)s
                        OR session_id NOT IN (SELECT session_id FROM analytics_day_odd WHERE is_uncounted))
                   AND (source = 'script'
                        OR session_id IN (SELECT session_id FROM analytics_day_odd WHERE NOT is_uncounted))
                 LIMIT ALL) AS view
         GROUP BY page, product_id) AS seen
