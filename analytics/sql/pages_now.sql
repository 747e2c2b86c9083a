-- What visits looked at lately, most of all first.
SELECT page, count(DISTINCT session_id)::int AS sessions
  FROM sessions_app_sessionevent
 WHERE timestamp > %(since)s AND event_type = 'page_view'
 GROUP BY page
 ORDER BY 2 DESC, 1
 LIMIT %(limit)s
