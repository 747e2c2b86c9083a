-- Visitors of the day by their first visit of it, as its breakdown found them.
, visitor AS NOT MATERIALIZED (
    SELECT visitor_id, came_at FROM analytics_day_visitor
)
