-- What the returns of later days depend on, as one number: who visited, how they came, what they saw, and which values
-- have a row. And how many visitors there are, to tell whether the visits are still there.
SELECT (SELECT count(DISTINCT visitor_id)
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
           AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visitors,
       (sum(part) %% 9223372036854775807)::int8 AS digest
  FROM (SELECT sum(hash_record_extended(
                   (visitor_id, channel, utm_source, utm_medium, utm_campaign, referrer_host, landing_page, country, city,
                    device, browser, os, is_bot, unconfirmed, script_page_views = 0), 0)) AS part
          FROM sessions_app_visitorsession
         WHERE started_at >= %(start)s AND started_at < %(end)s
        UNION ALL
        SELECT sum(hash_record_extended((visitor_id, event_type, source, page, product_id), 0))
          FROM sessions_app_sessionevent
         WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type IN ('page_view', 'product_view')
        UNION ALL
        SELECT sum(hash_record_extended((dimension, value), 0)) FROM analytics_dailybreakdown WHERE date = %(day)s
        UNION ALL
        SELECT 0) AS parts
