-- What came of the visits of a window, by hour. A session that reached a step has reached all before it: a checkout
-- implies a cart, an order implies a checkout. (Of an expression PostgreSQL would expect as many hours as visits, and
-- leave the workers out; of what a function answers it expects few.)
SELECT hour,
       count(*)::int AS total_visits,
       extract(epoch FROM sum(duration)) AS session_seconds,
       sum(page_views)::int AS total_page_views,
       count(*) FILTER (WHERE page_views >= 2 OR duration >= interval '10 s' OR other_events > 0)::int
           AS engaged_sessions,
       count(*) FILTER (WHERE product_views > 0 OR cart_additions > 0 OR checkouts_started > 0 OR has_ordered)::int
           AS product_sessions,
       count(*) FILTER (WHERE cart_additions > 0 OR checkouts_started > 0 OR has_ordered)::int AS cart_sessions,
       count(*) FILTER (WHERE checkouts_started > 0 OR has_ordered)::int AS checkout_sessions,
       count(*) FILTER (WHERE has_ordered)::int AS order_sessions,
       count(*) FILTER (WHERE converted)::int AS converted_sessions
  FROM visit
 CROSS JOIN LATERAL unnest(ARRAY[width_bucket(started_at, %(hours)s::timestamptz[])]) AS of_visit (hour)
 GROUP BY hour
