-- What visits look at lately, most of all first. What the script saw counts, or of a visit without it what the API saw,
-- as in the rows of days.
SELECT page, count(DISTINCT session_id)::int AS sessions
  FROM sessions_app_sessionevent AS event
 WHERE timestamp > %(since)s AND event_type = 'page_view'
   AND EXISTS (SELECT FROM sessions_app_visitorsession AS visit
                WHERE visit.session_id = event.session_id
                  AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
                  AND (source = 'script' OR script_page_views = 0))
 GROUP BY page
 ORDER BY 2 DESC, 1
 LIMIT %(limit)s
