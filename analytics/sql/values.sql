-- Visits and visitors by every value of every dimension. Each arm groups by (value, visitor) first, so that visitors are
-- counted exactly; those who came once need no such group of their own. The arms run side by side (Parallel Append).
CREATE TEMPORARY TABLE day_value ON COMMIT DROP AS
SELECT 'channel' AS dimension, value::text, sum(visits) AS visits, sum(visitors) AS visitors
  FROM (SELECT channel AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY channel, comes_again) AS channel
 GROUP BY value
UNION ALL
SELECT 'source', value::text, sum(visits), sum(visitors)
  FROM (SELECT source AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY source, comes_again) AS source
 GROUP BY value
UNION ALL
SELECT 'medium', value::text, sum(visits), sum(visitors)
  FROM (SELECT medium AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY medium, comes_again) AS medium
 GROUP BY value
UNION ALL
SELECT 'campaign', value::text, sum(visits), sum(visitors)
  FROM (SELECT campaign AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY campaign, comes_again) AS campaign
 GROUP BY value
UNION ALL
SELECT 'referrer', value::text, sum(visits), sum(visitors)
  FROM (SELECT referrer AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY referrer, comes_again) AS referrer
 GROUP BY value
UNION ALL
SELECT 'landing_page', value::text, sum(visits), sum(visitors)
  FROM (SELECT landing_page AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY landing_page, comes_again) AS landing_page
 GROUP BY value
UNION ALL
SELECT 'country', value::text, sum(visits), sum(visitors)
  FROM (SELECT country AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY country, comes_again) AS country
 GROUP BY value
UNION ALL
SELECT 'city', value::text, sum(visits), sum(visitors)
  FROM (SELECT city AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY city, comes_again) AS city
 GROUP BY value
UNION ALL
SELECT 'device', value::text, sum(visits), sum(visitors)
  FROM (SELECT device AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY device, comes_again) AS device
 GROUP BY value
UNION ALL
SELECT 'browser', value::text, sum(visits), sum(visitors)
  FROM (SELECT browser AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY browser, comes_again) AS browser
 GROUP BY value
UNION ALL
SELECT 'os', value::text, sum(visits), sum(visitors)
  FROM (SELECT os AS value, count(*) AS visits, CASE WHEN comes_again IS NULL THEN count(*) ELSE 1 END AS visitors
          FROM analytics_day_visit WHERE is_counted GROUP BY os, comes_again) AS os
 GROUP BY value
UNION ALL
SELECT 'page', page, sum(views), count(*)::numeric FROM analytics_day_view WHERE event_type = 'page_view' GROUP BY page
UNION ALL
SELECT 'product', product_id::text, sum(views), count(*)::numeric
  FROM analytics_day_view WHERE event_type = 'product_view' GROUP BY product_id
