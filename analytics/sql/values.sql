-- Visits by every value of every dimension, in one pass over the visits of the day and one over its events; and how
-- often events happened that are counted as such. A page is counted once: what the script saw, or else what the API saw.
CREATE UNLOGGED TABLE analytics_day_value AS
SELECT CASE 0 WHEN grouping(channel) THEN 'channel' WHEN grouping(source) THEN 'source'
              WHEN grouping(medium) THEN 'medium' WHEN grouping(campaign) THEN 'campaign'
              WHEN grouping(referrer) THEN 'referrer' WHEN grouping(landing_page) THEN 'landing_page'
              WHEN grouping(country) THEN 'country' WHEN grouping(city) THEN 'city'
              WHEN grouping(device) THEN 'device' WHEN grouping(browser) THEN 'browser' ELSE 'os' END AS dimension,
       coalesce(channel, source, medium, campaign, referrer, landing_page, country, city, device, browser, os) AS value,
       count(*) AS visits
  FROM (SELECT channel, utm_source AS source, utm_medium AS medium, utm_campaign AS campaign,
               referrer_host AS referrer, left(landing_page, 512) AS landing_page, country, city, device, browser, os
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visit
 GROUP BY GROUPING SETS (channel, source, medium, campaign, referrer, landing_page, country, city, device, browser, os)
UNION ALL
SELECT dimension, value, count(*)
  FROM (SELECT CASE event_type WHEN 'page_view' THEN 'page' WHEN 'product_view' THEN 'product' ELSE event_type END
                   AS dimension,
               CASE event_type WHEN 'page_view' THEN left(page, 512) WHEN 'product_view' THEN product_id::text ELSE '' END
                   AS value
          FROM sessions_app_sessionevent
         WHERE timestamp >= %(start)s AND timestamp < %(end)s
           AND session_id NOT IN (SELECT session_id FROM analytics_day_odd WHERE is_uncounted)
           AND (event_type IN ('add_to_cart', 'checkout_started')
                OR (event_type = 'page_view' OR event_type = 'product_view' AND product_id IS NOT NULL)
                   AND (source = 'script'
                        OR session_id IN (SELECT session_id FROM analytics_day_odd WHERE NOT is_uncounted)))
       ) AS happened
 GROUP BY dimension, value
