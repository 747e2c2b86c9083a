-- Visits before the day that the window is a part of, and those of its part before that were counted there.
, earlier AS NOT MATERIALIZED (
    SELECT visitor_id
      FROM sessions_app_visitorsession
     WHERE started_at < %(start)s
       AND (started_at < %(day_start)s OR NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed))
)
