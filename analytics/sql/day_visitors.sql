-- Who visited that day, when first, and whether more than once. Not a temporary table, which parallel workers cannot read.
CREATE UNLOGGED TABLE analytics_day_visitor AS
SELECT visitor_id, min(started_at) AS came_at, count(*) > 1 AS came_again
  FROM sessions_app_visitorsession
 WHERE started_at >= %(start)s AND started_at < %(end)s AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
 GROUP BY visitor_id
