-- Visitors who came more than once that day, numbered: of all others visits and visitors are the same number.
CREATE UNLOGGED TABLE analytics_day_again AS
SELECT visitor_id, row_number() OVER ()::int AS number FROM analytics_day_visitor WHERE came_again
