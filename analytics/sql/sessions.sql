-- What came of the visits of a window, by hour; what it is to reach a step stands in sessions_app.dimensions. (Of an
-- expression PostgreSQL would expect as many hours as visits, and leave the workers out; of what a function answers it
-- expects few.)
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
  FROM visit
 CROSS JOIN LATERAL unnest(ARRAY[width_bucket(started_at, %(hours)s::timestamptz[])]) AS of_visit (hour)
 GROUP BY hour
