"""Visits, events and orders as shops have them, filled by SQL: skewed, and the same at every run. And a large day of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from django.db import connection, transaction

from core.clock import day_bounds
from core.postgresql.patience import waits_at_most
from sessions_app.months import ensure_months

DAY = date(2026, 3, 10)
NEXT_MORNING = datetime(2026, 3, 11, 0, 10, tzinfo=UTC)
SESSIONS = 1_000_000
EVENTS = 5 * SESSIONS
FILLING_SECONDS = 3600.0
"""How long a statement that fills may take: longer than anybody waits for PostgreSQL in the shop."""
ORDERS = SESSIONS // 40
VISITORS = SESSIONS * 4 // 5
EARLIER = SESSIONS // 5
"""Sessions of the day before, whose visitors are not new."""

# How many events the sessions have, in turn: 20 sessions, 100 events; three in ten leave after one page. What they are
# follows from their place, so that a session's totals are its events'. skewed(n, salt, size) is 0 … size - 1, the low
# ones far more often.
HELPERS = """
CREATE OR REPLACE FUNCTION pg_temp.noise(n bigint, salt int) RETURNS float8 IMMUTABLE LANGUAGE sql
    RETURN (hashint8extended(n, salt) & 1048575) / 1048576.0;
CREATE OR REPLACE FUNCTION pg_temp.skewed(n bigint, salt int, size int) RETURNS int IMMUTABLE LANGUAGE sql
    RETURN floor(size * power(pg_temp.noise(n, salt), 3))::int;
CREATE OR REPLACE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    RETURN md5(kind || n)::uuid;
CREATE OR REPLACE FUNCTION pg_temp.visitor(n bigint, among bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    RETURN pg_temp.id('visitor', (n * 7919) % among);
CREATE OR REPLACE FUNCTION pg_temp.length(n bigint) RETURNS int IMMUTABLE LANGUAGE sql
    RETURN ('{1,30,2,1,3,1,5,2,4,1,8,3,1,10,2,4,1,12,3,6}'::int[])[n % 20 + 1];
CREATE OR REPLACE FUNCTION pg_temp.type(place int) RETURNS text IMMUTABLE LANGUAGE sql
    RETURN CASE WHEN place = 9 THEN 'add_to_cart' WHEN place = 13 THEN 'checkout_started' WHEN place % 3 = 2
           THEN 'product_view' ELSE 'page_view' END;
CREATE TEMPORARY TABLE sums ON COMMIT DROP AS
    SELECT length, count(*) AS events, count(*) FILTER (WHERE type = 'page_view') AS pages,
           count(*) FILTER (WHERE type = 'product_view') AS products,
           count(*) FILTER (WHERE type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE type = 'checkout_started') AS checkouts
      FROM (SELECT length, pg_temp.type(place) AS type
              FROM generate_series(1, 30) AS length, generate_series(1, length) AS place) AS event
     GROUP BY length;
"""

# One in ten visits runs no script: the API's counts are then all there is. One visit in 40 orders.
SESSION_ROWS = """
INSERT INTO sessions_app_visitorsession (session_id, visitor_id, type, consent, ip_prefix, user_agent, device, browser,
    os, country, city, landing_page, referrer, referrer_host, utm_source, utm_medium, utm_campaign, utm_term,
    utm_content, channel, touches, is_bot, unconfirmed, script_page_views, api_page_views, script_product_views,
    api_product_views, cart_additions, checkouts_started, other_events, events_count, started_at, last_seen_at,
    order_id, converted, converted_at)
SELECT pg_temp.id(%(kind)s, n), pg_temp.visitor(n, %(visitors)s), 'anonymous', 'granted',
    '203.0.113.0/24', 'Mozilla/5.0', (ARRAY['mobile', 'desktop', 'tablet'])[pg_temp.skewed(n, 1, 3) + 1],
    (ARRAY['Chrome', 'Mobile Safari', 'Safari', 'Edge', 'Firefox', 'Samsung Internet'])[pg_temp.skewed(n, 2, 6) + 1],
    (ARRAY['Android', 'iOS', 'Windows', 'Mac OS X', 'Linux'])[pg_temp.skewed(n, 3, 5) + 1],
    chr(65 + pg_temp.skewed(n, 4, 20)) || 'A', 'City ' || pg_temp.skewed(n, 5, 800),
    '/products/p-' || pg_temp.skewed(n, 6, 3000), '',
    CASE WHEN n %% 3 = 0 THEN 'site-' || pg_temp.skewed(n, 7, 400) || '.example' ELSE '' END,
    CASE WHEN n %% 4 = 0 THEN 'source-' || pg_temp.skewed(n, 8, 20) ELSE '' END,
    CASE WHEN n %% 4 = 0 THEN 'cpc' ELSE '' END,
    CASE WHEN n %% 4 = 0 THEN 'campaign-' || pg_temp.skewed(n, 9, 60) ELSE '' END,
    '', '', (ARRAY['direct', 'organic search', 'paid', 'social', 'referral'])[pg_temp.skewed(n, 10, 5) + 1], '[]',
    false, n %% 10 = 0,
    CASE WHEN n %% 10 > 0 THEN pages ELSE 0 END,
    CASE WHEN n %% 10 = 0 THEN pages ELSE 0 END,
    CASE WHEN n %% 10 > 0 THEN products ELSE 0 END,
    CASE WHEN n %% 10 = 0 THEN products ELSE 0 END,
    carts, checkouts,
    carts + checkouts,
    events, begun, begun + (events - 1) * 25 * interval '1 s',
    CASE WHEN n %% 40 = 1 AND %(orders)s THEN pg_temp.id('order', n) END, n %% 40 = 1 AND %(orders)s,
    CASE WHEN n %% 40 = 1 AND %(orders)s THEN begun + interval '20 min' END
FROM (SELECT n, %(since)s + n * ((%(until)s - %(since)s) / %(count)s) AS begun
      FROM generate_series(0::bigint, %(count)s - 1) AS n) AS visit JOIN sums ON length = pg_temp.length(n) ORDER BY n
"""

# OFFSET 0 keeps PostgreSQL from working out the ids of a visit anew for each of its events.
EVENT_ROWS = """
INSERT INTO sessions_app_sessionevent (event_id, session_id, visitor_id, event_type, source, page, product_id, metadata,
    "timestamp")
SELECT pg_temp.id('event' || place || '/', n), session_id, visitor_id, pg_temp.type(place),
    CASE WHEN n %% 10 > 0 OR place IN (9, 13) THEN 'script' ELSE 'api' END,
    '/products/p-' || pg_temp.skewed(n * 31 + place, 6, 3000),
    CASE WHEN place %% 3 = 2 THEN pg_temp.id('product', pg_temp.skewed(n * 31 + place, 6, 500)) END, '{}',
    least(begun + (place - 1) * 25 * interval '1 s', %(until)s - interval '1 s')
FROM (SELECT n, %(since)s + n * ((%(until)s - %(since)s) / %(count)s) AS begun,
             pg_temp.id('session', n) AS session_id, pg_temp.visitor(n, %(visitors)s) AS visitor_id
      FROM generate_series(0::bigint, %(count)s - 1) AS n OFFSET 0) AS visit
CROSS JOIN LATERAL generate_series(1, pg_temp.length(n)) AS place
"""

PRODUCT_ROWS = """
INSERT INTO catalog_product (id, slug, sku, name, description, price, thumbnail, is_active, track_stock, stock_quantity,
    total_sold, total_revenue)
SELECT pg_temp.id('product', n), 'day-' || n, 'DAY-' || n, 'Product ' || n, '', 20, '', true, false, 0, 0, 0
FROM generate_series(0, 499) AS n
"""

CUSTOMER_ROWS = """
INSERT INTO customers_customer (id, email, first_name, last_name, phone, type, status, total_orders, total_spent,
    created_at)
SELECT pg_temp.id('customer', n), 'day' || n || '@example.com', '', '', '', 'guest', 'active', 1, 40, converted_at
FROM generate_series(1::bigint, %(count)s, 40) AS n
JOIN sessions_app_visitorsession ON session_id = pg_temp.id('session', n)
"""

ORDER_ROWS = """
INSERT INTO orders_order (id, number, customer_id, visitor_session_id, first_touch, last_touch, status,
    fulfillment_status, subtotal, discount_amount, shipping_amount, tax_amount, total, refunded_amount, currency,
    coupon_code, shipping_address, billing_address, shipping_method, tax_lines, email, first_name, last_name, phone,
    language, access_token_hash, placed_at, paid_at, needs_attention)
SELECT pg_temp.id('order', n), 'DAY-' || n, pg_temp.id('customer', n), session_id, '{}', '{}', 'success', 'pending',
    40, 0, 0, 0, 40, 0, 'GBP', '', '{}', '{}', '', '[]', 'day' || n || '@example.com', '', '', '', 'en', '',
    least(started_at + interval '15 min', %(until)s - interval '2 s'),
    least(started_at + interval '20 min', %(until)s - interval '1 s'), ''
FROM generate_series(1::bigint, %(count)s, 40) AS n
JOIN sessions_app_visitorsession ON session_id = pg_temp.id('session', n)
"""

ITEM_ROWS = """
INSERT INTO orders_orderitem (order_id, product_id, name, sku, image, unit_price, quantity, line_total)
SELECT pg_temp.id('order', n), pg_temp.id('product', pg_temp.skewed(n * 2 + item, 6, 500)), 'Product', 'DAY', '', 20,
    1, 20
FROM generate_series(1::bigint, %(count)s, 40) AS n CROSS JOIN generate_series(0, 1) AS item
"""

FILL = (SESSION_ROWS, EVENT_ROWS, PRODUCT_ROWS, CUSTOMER_ROWS, ORDER_ROWS, ITEM_ROWS)


@cache
def fill_day() -> None:
    """Writes the day once a run, and has its tables analysed as they would be."""
    before = Stretch(*day_bounds(DAY - timedelta(days=1)), EARLIER, VISITORS)
    fill(Stretch(*day_bounds(DAY), SESSIONS, VISITORS), before)


@dataclass(frozen=True)
class Stretch:
    """From one instant to another, so many visits by so many visitors (as `pg_temp.visitor` takes it)."""

    since: datetime
    until: datetime
    count: int
    visitors: int


@waits_at_most(FILLING_SECONDS)
def fill(stretch: Stretch, earlier: Stretch | None = None, *, helpers: str = "") -> None:
    """Writes visits, their events and orders; of what is `earlier` the visits alone. `helpers` replace some of ours."""
    ensure_months(months(stretch))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(HELPERS + helpers)
        if earlier:
            cursor.execute(SESSION_ROWS, vars(earlier) | {"kind": "earlier", "orders": False})
        for statement in FILL:
            cursor.execute(statement, vars(stretch) | {"kind": "session", "orders": True})
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


def months(stretch: Stretch) -> list[datetime]:
    """An instant of each month in it."""
    days = (stretch.until - stretch.since).days
    return [*(stretch.since + timedelta(days=n) for n in range(days)), stretch.until]
