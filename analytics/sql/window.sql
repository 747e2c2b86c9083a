-- Sessions begun between two instants, in the place of the day's: for windows that end before the day does.
WITH analytics_day_visit AS NOT MATERIALIZED (
    SELECT true AS is_counted, visitor_id, last_seen_at - started_at AS duration, page_views, product_views, cart_additions,
           checkouts_started, other_events, order_id IS NOT NULL OR converted AS has_ordered, converted
      FROM sessions_app_visitorsession
     WHERE started_at >= %(start)s AND started_at < %(end)s
       AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
)
