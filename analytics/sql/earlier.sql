-- Visits before, bots' too: whose visitors are not new.
, earlier AS NOT MATERIALIZED (
    SELECT visitor_id
      FROM sessions_app_visitorsession
     WHERE started_at < %(start)s
)
