-- Visitors of a day by the last day on which they had seen the same page, or product. What the script saw counts, or of
-- a visit without it what the API saw, as in the rows of days. Events are looked up visit by visit (OFFSET 0): PostgreSQL
-- would rather read all of more than a year.
INSERT INTO analytics_dailyreturn (date, dimension, value, previous, visitors)
WITH viewer AS MATERIALIZED (
    SELECT DISTINCT visitor_id
      FROM sessions_app_sessionevent
     WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type IN ('page_view', 'product_view')
), visit AS MATERIALIZED (
    SELECT session_id, started_at, script_page_views = 0 AS is_plain
      FROM viewer
      JOIN sessions_app_visitorsession USING (visitor_id)
     WHERE started_at >= %(since)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
    UNION
    -- those in which a visitor got another id than that of an event before
    SELECT session_id, started_at, script_page_views = 0
      FROM sessions_app_sessionevent
      JOIN sessions_app_visitorsession USING (session_id)
     WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type IN ('page_view', 'product_view')
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
), view AS MATERIALIZED (
    SELECT visitor_id, (timestamp AT TIME ZONE %(zone)s)::date AS day,
           CASE event_type WHEN 'page_view' THEN 'page' ELSE 'product' END AS dimension,
           CASE event_type WHEN 'page_view' THEN CASE page WHEN '' THEN '(none)' ELSE left(page, 512) END
                           ELSE product_id::text END AS value
      FROM visit
     CROSS JOIN LATERAL (SELECT visitor_id, timestamp, event_type, page, product_id
                           FROM sessions_app_sessionevent AS event
                          WHERE event.session_id = visit.session_id
                            AND timestamp >= visit.started_at - interval '25 hours'
                            AND timestamp < least(visit.started_at + interval '25 hours', %(end)s)
                            AND event_type IN ('page_view', 'product_view')
                            AND (source = 'script' OR is_plain)
                         OFFSET 0) AS event
     GROUP BY 1, 2, 3, 4
)
SELECT %(day)s, dimension, value, previous, count(*)
  FROM (SELECT visitor_id, dimension, value, max(before.day) AS previous
          FROM view
          JOIN view AS before USING (visitor_id, dimension, value)
          JOIN analytics_dailybreakdown AS kept USING (dimension, value)
         WHERE view.day = %(day)s AND before.day < %(day)s AND kept.date = before.day
         GROUP BY 1, 2, 3) AS saw
 WHERE EXISTS (SELECT FROM analytics_dailybreakdown AS kept
                WHERE date = %(day)s AND kept.dimension = saw.dimension AND kept.value = saw.value)
 GROUP BY dimension, value, previous
