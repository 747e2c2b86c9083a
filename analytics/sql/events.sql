-- Events that are counted as such, by hour, whichever day their session began.
SELECT value::int AS hour,
       sum(visits) FILTER (WHERE dimension = 'add_to_cart')::int AS cart_additions,
       sum(visits) FILTER (WHERE dimension = 'checkout_started')::int AS checkouts_started
  FROM analytics_day_value
 WHERE dimension IN ('add_to_cart', 'checkout_started')
 GROUP BY value
