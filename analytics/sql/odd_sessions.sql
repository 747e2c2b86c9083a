-- Sessions that the events of the day may belong to and that ask for a second look: not counted at all (bots), or
-- without the script, so that what the API saw of them counts. The others' events need no look at their session.
CREATE UNLOGGED TABLE analytics_day_odd_session AS
SELECT session_id, is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s) AS is_uncounted
  FROM sessions_app_visitorsession
 WHERE started_at >= %(start)s - interval '25 hours' AND started_at < %(end)s
   AND (is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s) OR script_page_views = 0)
