-- The visits of the day, narrow: the only pass over the sessions that reads their dimensions. `comes_again` tells apart
-- the visitors who came more than once that day, by a 64-bit hash; it is null for those who came once, most of all.
-- Not a temporary table, which parallel workers cannot read; it is dropped in the same transaction, so nobody sees it.
CREATE UNLOGGED TABLE analytics_day_visit AS
WITH visit AS NOT MATERIALIZED (
    SELECT *
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
), frequent AS (
    SELECT visitor_id, uuid_hash_extended(visitor_id, 0) AS hash FROM visit GROUP BY visitor_id HAVING count(*) > 1
)
SELECT session_id, visitor_id, frequent.hash AS comes_again,
       channel, utm_source AS source, utm_medium AS medium, utm_campaign AS campaign, referrer_host AS referrer,
       left(landing_page, 512) AS landing_page, country, city, device, browser, os
  FROM visit
  LEFT JOIN frequent USING (visitor_id)
