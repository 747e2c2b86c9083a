-- Views by page and by product. A page is counted once: what the script saw, or else what the API saw. Apart by type: of
-- a mixed column PostgreSQL cannot know how few values it has, and then one process counts alone.
CREATE UNLOGGED TABLE analytics_day_value AS
SELECT 'page' AS dimension, page AS value, count(*) AS visits
  FROM sessions_app_sessionevent
 WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type = 'page_view'
   AND (%(all_counted)s OR session_id NOT IN (SELECT session_id FROM analytics_day_odd WHERE is_uncounted))
   AND (source = 'script' OR session_id IN (SELECT session_id FROM analytics_day_odd WHERE NOT is_uncounted))
 GROUP BY page
UNION ALL
SELECT 'product', product_id::text, visits
  FROM (SELECT product_id, count(*) AS visits
          FROM sessions_app_sessionevent
         WHERE timestamp >= %(start)s AND timestamp < %(end)s
           AND event_type = 'product_view' AND product_id IS NOT NULL
           AND (%(all_counted)s OR session_id NOT IN (SELECT session_id FROM analytics_day_odd WHERE is_uncounted))
           AND (source = 'script' OR session_id IN (SELECT session_id FROM analytics_day_odd WHERE NOT is_uncounted))
         GROUP BY product_id) AS seen
