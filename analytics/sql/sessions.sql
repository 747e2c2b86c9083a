-- What came of the visits of a window, by hour; what it is to reach a step stands in sessions_app.dimensions. (Of an
-- expression PostgreSQL would expect as many hours as visits, and leave the workers out; of a column that a subquery
-- works out it expects few. LIMIT ALL keeps it a subquery.)
SELECT hour,
       count(*)::int AS total_visits,
       extract(epoch FROM sum(duration)) AS session_seconds,
       sum(page_views)::int AS total_page_views,
       count(*) FILTER (WHERE page_views >= 2 OR duration >= interval '10 s' OR other_events > 0)::int
           AS engaged_sessions,
       count(*) FILTER (WHERE {product})::int AS product_sessions,
       count(*) FILTER (WHERE {cart})::int AS cart_sessions,
       count(*) FILTER (WHERE {checkout})::int AS checkout_sessions,
       count(*) FILTER (WHERE {order})::int AS order_sessions,
       count(*) FILTER (WHERE {paid})::int AS converted_sessions
  FROM (SELECT *, width_bucket(started_at, %(hours)s::timestamptz[]) AS hour FROM visit LIMIT ALL) AS of_visit
 GROUP BY hour
