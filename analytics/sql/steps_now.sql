-- Visits that put something into the cart lately, and those that began a checkout.
SELECT count(DISTINCT session_id) FILTER (WHERE event_type = 'add_to_cart')::int AS carts,
       count(DISTINCT session_id) FILTER (WHERE event_type = 'checkout_started')::int AS checkouts
  FROM sessions_app_sessionevent AS event
 WHERE timestamp > %(since)s AND event_type IN ('add_to_cart', 'checkout_started')
   AND NOT EXISTS (SELECT FROM sessions_app_visitorsession AS visit
                    WHERE visit.session_id = event.session_id
                      AND (is_bot OR (unconfirmed AND NOT %(count_unconfirmed)s)))
