-- Sessions begun between two instants. A session that reached a step has reached all before it: a checkout implies a
-- cart, an order implies a checkout.
SELECT count(*)::int AS total_visits,
       coalesce(extract(epoch FROM sum(last_seen_at - started_at)), 0) AS duration,
       coalesce(sum(page_views), 0)::int AS total_page_views,
       count(*) FILTER (WHERE page_views >= 2 OR last_seen_at - started_at >= interval '10 s' OR other_events > 0)::int
           AS engaged_sessions,
       count(*) FILTER (WHERE product_views > 0 OR cart_additions > 0 OR checkouts_started > 0
                           OR order_id IS NOT NULL OR converted)::int AS product_sessions,
       count(*) FILTER (WHERE cart_additions > 0 OR checkouts_started > 0 OR order_id IS NOT NULL OR converted)::int
           AS cart_sessions,
       count(*) FILTER (WHERE checkouts_started > 0 OR order_id IS NOT NULL OR converted)::int AS checkout_sessions,
       count(*) FILTER (WHERE order_id IS NOT NULL OR converted)::int AS order_sessions,
       count(*) FILTER (WHERE converted)::int AS converted_sessions
  FROM sessions_app_visitorsession
 WHERE started_at >= %(start)s AND started_at < %(end)s
   AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
