-- Events that are counted as such, whichever day their session began.
SELECT coalesce(sum(views) FILTER (WHERE event_type = 'add_to_cart'), 0)::int AS cart_additions,
       coalesce(sum(views) FILTER (WHERE event_type = 'checkout_started'), 0)::int AS checkouts_started
  FROM analytics_day_view
 WHERE event_type IN ('add_to_cart', 'checkout_started')
