-- The rows of the day. Visitors are visits less those by which somebody was counted again: found by sorting, in
-- parallel workers, who came again by bucket, and everybody who saw a page or product. (What comes in between two of
-- these statements is counted by the next run; until then no number is less than it can be.)
CREATE TEMPORARY TABLE fresh_breakdown ON COMMIT DROP AS
WITH again AS (
    SELECT bucket, sum(times) - count(*) AS too_many
      FROM (SELECT bucket, visitor, count(*) AS times
              FROM (SELECT bucket, visitor
                      FROM (SELECT uuid_hash_extended(visitor_id, 0) AS visitor, channel, utm_source, utm_medium,
                                   utm_campaign, referrer_host, landing_page, country, city, device, browser, os
                              FROM sessions_app_visitorsession
                             WHERE started_at >= %(start)s AND started_at < %(end)s
                               AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)) AS visit
                      JOIN analytics_day_again USING (visitor)
                     CROSS JOIN LATERAL (VALUES
                           ('channel', channel), ('source', utm_source), ('medium', utm_medium),
                           ('campaign', utm_campaign), ('referrer', referrer_host),
                           ('landing_page', left(landing_page, 512)), ('country', country), ('city', city),
                           ('device', device), ('browser', browser), ('os', os)) AS by_dimension (dimension, value)
                      JOIN analytics_day_bucket USING (dimension, value)
                    UNION ALL
                    SELECT bucket, uuid_hash_extended(visitor_id, 0)
                      FROM (SELECT visitor_id,
                                   CASE event_type WHEN 'page_view' THEN 'page' ELSE 'product' END AS dimension,
                                   CASE event_type WHEN 'page_view' THEN left(page, 512) ELSE product_id::text END
                                       AS value
                              FROM sessions_app_sessionevent
                             WHERE timestamp >= %(start)s AND timestamp < %(end)s
                               AND event_type IN ('page_view', 'product_view')
                               AND session_id NOT IN (SELECT session_id FROM analytics_day_odd WHERE is_uncounted)
                               AND (source = 'script'
                                    OR session_id IN (SELECT session_id FROM analytics_day_odd WHERE NOT is_uncounted))
                           ) AS happened
                      JOIN analytics_day_bucket USING (dimension, value)) AS seen
             GROUP BY bucket, visitor) AS counted
     GROUP BY bucket
)
SELECT dimension,
       CASE WHEN is_rest THEN '(other)' WHEN min(value) = '' THEN '(none)' ELSE min(value) END AS value,
       sum(visits)::int AS visits,
       greatest(sum(visits) - coalesce(max(too_many), 0), 0)::int AS visitors,
       sum(orders)::int AS orders,
       sum(revenue) AS revenue
  FROM analytics_day_bucket
  LEFT JOIN again USING (bucket)
 GROUP BY dimension, bucket, is_rest
