-- Distinct visitors who saw each of some pages or products, over a whole range. {column} is one of ours. What the
-- script saw counts, or of a visit without it what the API saw, as in the rows of days.
SELECT value, count(*)::int AS visitors
  FROM (SELECT DISTINCT coalesce(nullif(left({column}, 512), ''), '(none)') AS value, visitor_id
          FROM sessions_app_sessionevent AS event
         WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type = %(event)s
           AND coalesce(nullif(left({column}, 512), ''), '(none)') = ANY(%(values)s)
           AND EXISTS (SELECT FROM sessions_app_visitorsession AS visit
                        WHERE visit.session_id = event.session_id
                          AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
                          AND (source = 'script' OR script_page_views = 0))) AS seen
 GROUP BY value
