-- Visits and visitors by every value of every dimension. Each arm groups by (value, visitor) first, so that visitors are
-- counted exactly; those who came once need no such group of their own. The arms run side by side (Parallel Append).
-- Events: a page is counted once, what the script saw or else what the API saw.
CREATE TEMPORARY TABLE day_value ON COMMIT DROP AS
SELECT 'channel' AS dimension, value::text, sum(visits) AS visits, sum(visitors) AS visitors
  FROM (SELECT channel AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY channel, comes_again) AS channel
 GROUP BY value
UNION ALL
SELECT 'source', value::text, sum(visits), sum(visitors)
  FROM (SELECT source AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY source, comes_again) AS source
 GROUP BY value
UNION ALL
SELECT 'medium', value::text, sum(visits), sum(visitors)
  FROM (SELECT medium AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY medium, comes_again) AS medium
 GROUP BY value
UNION ALL
SELECT 'campaign', value::text, sum(visits), sum(visitors)
  FROM (SELECT campaign AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY campaign, comes_again) AS campaign
 GROUP BY value
UNION ALL
SELECT 'referrer', value::text, sum(visits), sum(visitors)
  FROM (SELECT referrer AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY referrer, comes_again) AS referrer
 GROUP BY value
UNION ALL
SELECT 'landing_page', value::text, sum(visits), sum(visitors)
  FROM (SELECT landing_page AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY landing_page, comes_again) AS landing_page
 GROUP BY value
UNION ALL
SELECT 'country', value::text, sum(visits), sum(visitors)
  FROM (SELECT country AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY country, comes_again) AS country
 GROUP BY value
UNION ALL
SELECT 'city', value::text, sum(visits), sum(visitors)
  FROM (SELECT city AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY city, comes_again) AS city
 GROUP BY value
UNION ALL
SELECT 'device', value::text, sum(visits), sum(visitors)
  FROM (SELECT device AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY device, comes_again) AS device
 GROUP BY value
UNION ALL
SELECT 'browser', value::text, sum(visits), sum(visitors)
  FROM (SELECT browser AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY browser, comes_again) AS browser
 GROUP BY value
UNION ALL
SELECT 'os', value::text, sum(visits), sum(visitors)
  FROM (SELECT os AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit GROUP BY os, comes_again) AS os
 GROUP BY value
UNION ALL
SELECT 'page', left(page, 512), sum(visits), count(*)::numeric
  FROM (SELECT page, count(*) AS visits
          FROM sessions_app_sessionevent
         WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type = 'page_view'
           AND (source = 'script' OR session_id IN (
               SELECT session_id FROM analytics_day_odd_session WHERE NOT is_uncounted))
           AND session_id NOT IN (SELECT session_id FROM analytics_day_odd_session WHERE is_uncounted)
         GROUP BY page, uuid_hash_extended(visitor_id, 0)) AS page
 GROUP BY 2
UNION ALL
SELECT 'product', product_id::text, sum(visits), count(*)::numeric
  FROM (SELECT product_id, count(*) AS visits
          FROM sessions_app_sessionevent
         WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type = 'product_view' AND product_id IS NOT NULL
           AND (source = 'script' OR session_id IN (
               SELECT session_id FROM analytics_day_odd_session WHERE NOT is_uncounted))
           AND session_id NOT IN (SELECT session_id FROM analytics_day_odd_session WHERE is_uncounted)
         GROUP BY product_id, uuid_hash_extended(visitor_id, 0)) AS product
 GROUP BY 2
