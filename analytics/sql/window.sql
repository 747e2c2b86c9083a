-- Visits begun between two instants, or the filtered ones of them.
WITH visit AS NOT MATERIALIZED (
    SELECT visitor_id, started_at, last_seen_at - started_at AS duration, page_views, product_views, cart_additions,
           checkouts_started, other_events, order_id, converted
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed) AND ({among})
)
