-- Visits to which events of the day may belong and that ask for a second look: those not counted at all (bots), and
-- those without the script, of which what the API saw counts. A visit lasts 24 hours at most.
-- Not a temporary table, which parallel workers cannot read; dropped in the same transaction, so nobody sees it.
CREATE UNLOGGED TABLE analytics_day_odd AS
SELECT session_id, is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s) AS is_uncounted
  FROM sessions_app_visitorsession
 WHERE started_at >= %(start)s - interval '25 hours' AND started_at < %(end)s
   AND (is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s) OR script_page_views = 0)
