-- The visits of the day, narrow: the only pass over the sessions. Beside those counted, the ones that events of the day
-- may belong to and that ask for a second look: not counted at all (bots), or without the script, so that what the API
-- saw of them counts. `comes_again` tells apart the visitors who came more than once that day, by a 64-bit hash; it is
-- null for those who came once, most of all.
-- Not a temporary table, which parallel workers cannot read; it is dropped in the same transaction, so nobody sees it.
CREATE UNLOGGED TABLE analytics_day_visit AS
WITH visit AS NOT MATERIALIZED (
    SELECT *, is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s) AS is_uncounted
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s - interval '25 hours' AND started_at < %(end)s
       AND (started_at >= %(start)s OR is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s) OR script_page_views = 0)
), frequent AS (
    SELECT visitor_id, uuid_hash_extended(visitor_id, 0) AS hash
      FROM visit
     WHERE started_at >= %(start)s AND NOT is_uncounted
     GROUP BY visitor_id
    HAVING count(*) > 1
)
SELECT session_id, visitor_id, frequent.hash AS comes_again,
       started_at >= %(start)s AND NOT is_uncounted AS is_counted, is_uncounted, script_page_views = 0 AS is_scriptless,
       channel, utm_source AS source, utm_medium AS medium, utm_campaign AS campaign, referrer_host AS referrer,
       left(landing_page, 512) AS landing_page, country, city, device, browser, os,
       last_seen_at - started_at AS duration, page_views, product_views, cart_additions, checkouts_started,
       other_events, order_id IS NOT NULL OR converted AS has_ordered, converted
  FROM visit
  LEFT JOIN frequent USING (visitor_id)
