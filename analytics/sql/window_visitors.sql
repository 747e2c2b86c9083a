-- Visitors of the window by their first visit in it.
, visitor AS MATERIALIZED (
    SELECT visitor_id, min(started_at) AS came_at FROM visit GROUP BY visitor_id
)
