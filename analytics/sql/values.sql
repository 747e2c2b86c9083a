-- Visits by every value of what a visit says of itself. In two parts, which workers share; landing pages are cut later,
-- once for each instead of once for each visit.
CREATE UNLOGGED TABLE analytics_day_visit_value AS
WITH visit AS NOT MATERIALIZED (
    SELECT channel, utm_source AS source, utm_medium AS medium, utm_campaign AS campaign, referrer_host AS referrer,
           landing_page, country, city, device, browser, os
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
)
SELECT CASE 0 WHEN grouping(channel) THEN 'channel' WHEN grouping(source) THEN 'source'
              WHEN grouping(medium) THEN 'medium' WHEN grouping(campaign) THEN 'campaign'
              WHEN grouping(referrer) THEN 'referrer' ELSE 'landing_page' END AS dimension,
       coalesce(channel, source, medium, campaign, referrer, landing_page) AS value, count(*) AS visits
  FROM visit
 GROUP BY GROUPING SETS (channel, source, medium, campaign, referrer, landing_page)
UNION ALL
SELECT CASE 0 WHEN grouping(country) THEN 'country' WHEN grouping(city) THEN 'city'
              WHEN grouping(device) THEN 'device' WHEN grouping(browser) THEN 'browser' ELSE 'os' END,
       coalesce(country, city, device, browser, os), count(*)
  FROM visit
 GROUP BY GROUPING SETS (country, city, device, browser, os)
