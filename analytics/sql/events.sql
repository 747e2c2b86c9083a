-- Events that are counted as such, whichever day their session began.
SELECT coalesce(sum(visits) FILTER (WHERE dimension = 'add_to_cart'), 0)::int AS cart_additions,
       coalesce(sum(visits) FILTER (WHERE dimension = 'checkout_started'), 0)::int AS checkouts_started
  FROM analytics_day_value
 WHERE dimension IN ('add_to_cart', 'checkout_started')
