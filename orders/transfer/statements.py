"""What an import of orders asks of the database. The lines of the file stand in `import_line`, what they come to in
`import_order`: a row an order (`is_note` for a refund), until it is refused, found to be there already, or stored.
"""

from orders.transfer.rows import AMOUNTS, MOMENTS, OF_AN_ORDER

NOBODY = "unknown@imported.invalid"
"""The customer of orders that name none."""
TYPES = {**dict.fromkeys(MOMENTS, "timestamptz"), **dict.fromkeys(AMOUNTS, "numeric")}
SAID = ", ".join(f"{column} {TYPES.get(column, 'text')}" for column in OF_AN_ORDER)
DROP = "DROP TABLE IF EXISTS import_line, import_order, import_refused, import_key, import_match"
LINES = f"""
CREATE TEMP TABLE import_line (
    line integer NOT NULL, number text NOT NULL, is_wrong boolean NOT NULL,
    sku text, name text, quantity integer, unit_price numeric,
    {SAID}
)
"""
OTHERS = """
CREATE TEMP TABLE import_refused (number text, line integer NOT NULL, field text, reason text);
CREATE TEMP TABLE import_key (
    place integer PRIMARY KEY, order_id uuid NOT NULL, token_hash text NOT NULL, customer_id uuid NOT NULL
);
CREATE TEMP TABLE import_match (place integer PRIMARY KEY, order_id uuid, amount numeric NOT NULL);
"""
COPY = "COPY import_line (line, number, is_wrong, {}) FROM STDIN"

DIFFERING = ", ".join(f"CASE WHEN min({column}) <> max({column}) THEN '{column}' END" for column in OF_AN_ORDER)
PLAIN = [column for column in OF_AN_ORDER if column not in ("paid_at", "status", "fulfillment", "email", *AMOUNTS)]
# The parts of the total are with the tax on top or, where the file's total says so, with the tax in the prices.
GROUP = f"""
CREATE TEMP TABLE import_order AS
WITH said AS (
    SELECT number, min(line) AS line, min(line) FILTER (WHERE is_wrong) AS wrong_line, max(quantity) < 0 AS is_note,
        min(quantity) < 0 AND max(quantity) > 0 AS is_mixed, coalesce(sum(abs(quantity) * unit_price), 0) AS subtotal,
        concat_ws(', ', {DIFFERING}) AS differing,
        {", ".join(f"min({column}) AS {column}" for column in OF_AN_ORDER)}
    FROM import_line GROUP BY number
), summed AS (
    SELECT *, subtotal - coalesce(discount, 0) + coalesce(shipping, 0) AS before_tax FROM said
)
SELECT row_number() OVER (ORDER BY placed_at, line)::integer AS place, number, line, wrong_line, is_note, is_mixed,
    subtotal, differing, {", ".join(PLAIN)}, coalesce(discount, 0) AS discount, coalesce(shipping, 0) AS shipping,
    coalesce(tax, 0) AS tax, coalesce(paid_at, placed_at) AS paid_at, coalesce(status, 'success') AS status,
    coalesce(fulfillment, 'delivered') AS fulfillment, coalesce(email, '') AS email, refunded, total AS said,
    before_tax + CASE WHEN total = before_tax THEN 0 ELSE coalesce(tax, 0) END AS total,
    coalesce(email, customer || '@imported.invalid', '{NOBODY}') AS customer_email
FROM summed;
ALTER TABLE import_order ADD PRIMARY KEY (place);
CREATE INDEX ON import_order (number);
CREATE INDEX ON import_line (number);
"""  # noqa: S608 - the columns above
# An order that says how much of it went back: that is a credit note of its own.
BACK = """
INSERT INTO import_order (place, number, line, is_note, is_mixed, subtotal, differing, placed_at, paid_at, refund_of,
    total, status, customer_email, discount, shipping, tax)
SELECT (SELECT max(place) FROM import_order) + row_number() OVER (ORDER BY place), number || '-R', line, true, false,
    refunded, '', coalesce(refunded_at, paid_at), coalesce(refunded_at, paid_at), number, refunded, 'success',
    customer_email, 0, 0, 0
FROM import_order WHERE refunded > 0 AND NOT coalesce(is_note, false)
"""
ANALYZE = "ANALYZE import_line (number), import_order (place, number, is_note, refund_of)"

ANALYZE_STORED = "ANALYZE orders_order (id, number, customer_id, placed_at), orders_orderitem (order_id, sku)"

# Rules for whole orders. Condition, field and reason of each; the first that holds is told.
MONEY = "round({}, %(digits)s)"
RULES = (
    ("wrong_line IS NOT NULL", "''", "NULL"),
    ("differing <> ''", "differing", "'is not the same on all lines of this order'"),
    ("placed_at IS NULL", "'placed_at'", "'is needed'"),
    ("is_mixed", "'quantity'", "'there are pieces that were sold and pieces that came back'"),
    ("is_note AND total <= 0", "'quantity'", "'this refund gives nothing back'"),
    ("is_note AND status <> 'success'", "'status'", "'only money of a paid order goes back'"),
    ("total < 0", "'discount'", f"format('the order comes to %%s', {MONEY.format('total')})"),
    ("total > %(largest)s", "'total'", "'is more than an order can come to'"),
    (
        "said <> total",
        "'total'",
        f"format('is %%s, the parts come to %%s', {MONEY.format('said')}, {MONEY.format('total')})",
    ),
    ("refunded > total", "'refunded'", "'is more than the total'"),
    ("refunded > 0 AND status <> 'success'", "'refunded'", "'only money of a paid order goes back'"),
)
CLASHES = (
    (
        """is_note AND EXISTS (SELECT FROM orders_refund r WHERE r.credit_note = o.number
            AND (r.made_at, r.amount) IS DISTINCT FROM (o.placed_at, o.total))""",
        "'number'",
        "'there is a refund of this number already, of another time or amount'",
    ),
    (
        """NOT is_note AND EXISTS (SELECT FROM orders_order s WHERE s.number = o.number
            AND (s.placed_at, s.total, s.status) IS DISTINCT FROM (o.placed_at, o.total, o.status))""",
        "'number'",
        "'there is an order of this number already, of another time, total or status'",
    ),
)
REFUSE = """
WITH gone AS (DELETE FROM import_order AS o WHERE {condition} RETURNING *)
INSERT INTO import_refused SELECT number, line, {field}, {reason} FROM gone
"""
# Every line of a refused order is told: those that are wrong themselves were told when they were read.
REFUSED_LINES = """
SELECT coalesce(l.line, r.line), CASE WHEN coalesce(l.line, r.line) = r.line THEN r.field ELSE '' END,
    CASE WHEN r.reason IS NULL THEN format('is of order %s, of which a line is refused', number)
         WHEN coalesce(l.line, r.line) = r.line THEN r.reason
         ELSE format('is of order %s, which is refused: %s %s', number, r.field, r.reason) END
FROM import_refused r LEFT JOIN import_line l USING (number) WHERE l.is_wrong IS NOT TRUE ORDER BY 1
"""
THERE = """
WITH gone AS (
    DELETE FROM import_order AS o
    WHERE CASE WHEN is_note THEN EXISTS (SELECT FROM orders_refund r WHERE r.credit_note = o.number)
                            ELSE EXISTS (SELECT FROM orders_order s WHERE s.number = o.number) END
    RETURNING is_note
)
SELECT count(*) FILTER (WHERE NOT is_note), count(*) FILTER (WHERE is_note) FROM gone
"""
TOTALS = """
SELECT (CASE WHEN is_note THEN placed_at ELSE paid_at END AT TIME ZONE %(zone)s)::date AS day,
    count(*) FILTER (WHERE NOT is_note), coalesce(sum(total) FILTER (WHERE NOT is_note), 0),
    count(*) FILTER (WHERE is_note), coalesce(sum(total) FILTER (WHERE is_note), 0)
FROM import_order WHERE status = 'success' GROUP BY 1 ORDER BY 1
"""
COUNTS = "SELECT count(*) FILTER (WHERE NOT is_note), count(*) FILTER (WHERE is_note) FROM import_order"

# Orders, a batch at a time, oldest first.
NEXT = "SELECT place FROM import_order WHERE is_note = %(notes)s AND place > %(after)s ORDER BY place LIMIT %(most)s"
KEYS = "COPY import_key (place, order_id, token_hash, customer_id) FROM STDIN"
MAKE_CUSTOMERS = """
INSERT INTO customers_customer
    (id, email, first_name, last_name, phone, type, status, total_orders, total_spent, created_at)
SELECT DISTINCT ON (lower(customer_email)) customer_id, customer_email, coalesce(first_name, ''),
    coalesce(last_name, ''), coalesce(phone, ''), 'guest', 'active', 0, 0, placed_at
FROM import_order JOIN import_key USING (place) ORDER BY lower(customer_email), place
ON CONFLICT (lower(email)) DO NOTHING
"""
FIND_CUSTOMERS = """
UPDATE import_key AS k SET customer_id = c.id
FROM import_order AS o JOIN customers_customer AS c ON lower(c.email) = lower(o.customer_email)
WHERE o.place = k.place
"""
ADDRESS = """jsonb_build_object('line1', coalesce(line1, ''), 'line2', coalesce(line2, ''), 'city', coalesce(city, ''),
    'region', coalesce(region, ''), 'postalCode', coalesce(postal_code, ''), 'country', coalesce(country, ''))"""
MAKE_ORDERS = f"""
INSERT INTO orders_order (
    id, number, customer_id, first_touch, last_touch, status, fulfillment_status, subtotal, discount_amount,
    shipping_amount, tax_amount, total, refunded_amount, currency, coupon_code, shipping_address, billing_address,
    shipping_method, tax_lines, email, first_name, last_name, phone, language, access_token_hash, placed_at, paid_at,
    closed_at, needs_attention
)
SELECT order_id, number, customer_id, '{{}}', '{{}}', status,
    CASE WHEN status = 'success' THEN fulfillment ELSE 'pending' END, subtotal, discount, shipping, tax, total, 0,
    %(currency)s, coalesce(coupon_code, ''), {ADDRESS}, {ADDRESS}, coalesce(shipping_method, ''), '[]', email,
    coalesce(first_name, ''), coalesce(last_name, ''), coalesce(phone, ''), 'en', token_hash, placed_at,
    CASE WHEN status = 'success' THEN paid_at END, CASE WHEN status <> 'success' THEN paid_at END, ''
FROM import_key JOIN import_order USING (place)
"""  # noqa: S608 - the text above
MAKE_LINES = """
INSERT INTO orders_orderitem (order_id, product_id, name, sku, image, unit_price, quantity, line_total)
SELECT k.order_id, p.id, coalesce(l.name, l.sku, ''), coalesce(l.sku, ''), '', l.unit_price, l.quantity,
    l.quantity * l.unit_price
FROM import_key k JOIN import_order o USING (place) JOIN import_line l USING (number)
LEFT JOIN catalog_product p ON p.sku = l.sku
ORDER BY k.place, l.line
"""
NOTE_ORDERS = """
INSERT INTO orders_orderstatuschange (order_id, field, old, new, actor, reason, created_at)
SELECT order_id, 'status', '', status, %(actor)s, 'imported', paid_at FROM import_key JOIN import_order USING (place)
"""
BOUGHT = """
SELECT customer_id, count(*), sum(total), min(placed_at), max(placed_at)
FROM import_key JOIN import_order USING (place) WHERE status = 'success' GROUP BY customer_id
"""
SOLD = """
SELECT i.product_id, sum(i.quantity), sum(i.line_total)
FROM import_key k JOIN import_order o USING (place) JOIN orders_orderitem i ON i.order_id = k.order_id
WHERE o.status = 'success' AND i.product_id IS NOT NULL GROUP BY 1
"""
DAYS = """
SELECT DISTINCT unnest(ARRAY[(placed_at AT TIME ZONE %(zone)s)::date, (paid_at AT TIME ZONE %(zone)s)::date])
FROM import_order WHERE place = ANY(%(places)s)
"""
FORGET = "TRUNCATE import_key, import_match"

# Refunds of orders that were paid elsewhere: what was paid here goes back here. Each way finds the order of a refund
# that has none yet; of several of one order those count for which there is enough left.
ELSEWHERE = """s.status = 'success' AND s.total - s.refunded_amount >= o.total
    AND NOT EXISTS (SELECT FROM orders_ordersession w WHERE w.order_id = s.id)"""
WAITING = """import_key k JOIN import_order o ON o.place = k.place
    AND NOT EXISTS (SELECT FROM import_match m WHERE m.place = k.place)"""
MATCH = """
INSERT INTO import_match (place, order_id, amount)
SELECT place, order_id, total FROM (
    SELECT o.place, o.total, found.id AS order_id, found.left_over,
        sum(o.total) OVER (PARTITION BY found.id ORDER BY o.place) AS asked
    FROM {found}
) AS wanted
WHERE asked <= left_over
RETURNING place
"""
BY_NUMBER = MATCH.format(
    found=f"""{WAITING} JOIN LATERAL (
        SELECT s.id, s.total - s.refunded_amount AS left_over FROM orders_order s
        WHERE s.number = o.refund_of AND {ELSEWHERE}
    ) AS found ON true"""  # noqa: S608 - the texts above
)
# The latest order of its customer that had all these goods at these prices.
BY_GOODS = MATCH.format(
    found=f"""{WAITING} AND o.refund_of IS NULL AND o.customer_email <> '{NOBODY}' JOIN LATERAL (
        SELECT s.id, s.total - s.refunded_amount AS left_over FROM orders_order s
        WHERE s.customer_id = k.customer_id AND s.placed_at <= o.placed_at AND {ELSEWHERE} AND NOT EXISTS (
            SELECT FROM import_line l WHERE l.number = o.number AND -l.quantity > coalesce((
                SELECT sum(i.quantity) FROM orders_orderitem i
                WHERE i.order_id = s.id AND i.sku = l.sku AND i.unit_price = l.unit_price), 0))
        ORDER BY s.placed_at DESC, s.id DESC LIMIT 1
    ) AS found ON true"""  # noqa: S608 - the texts above
)
TAKE_OFF = """
WITH back AS (
    SELECT order_id, sum(amount) AS amount FROM import_match WHERE place = ANY(%(matched)s) GROUP BY 1
), held AS (
    SELECT s.id, s.refunded_amount, s.customer_id FROM orders_order s JOIN back ON s.id = order_id ORDER BY s.id
    FOR NO KEY UPDATE OF s
), noted AS (
    INSERT INTO orders_orderstatuschange (order_id, field, old, new, actor, reason, created_at)
    SELECT id, 'refunded_amount', round(refunded_amount, %(digits)s)::text,
        round(refunded_amount + amount, %(digits)s)::text, %(actor)s, 'imported', %(now)s
    FROM held JOIN back ON order_id = id
), taken AS (
    UPDATE orders_order s SET refunded_amount = s.refunded_amount + amount FROM back WHERE s.id = order_id
)
SELECT customer_id, sum(amount) FROM held JOIN back ON order_id = id GROUP BY 1
"""
LOST = """place = ANY(%(places)s) AND refund_of IS NOT NULL
    AND NOT EXISTS (SELECT FROM import_match m WHERE m.place = o.place)"""
TOTALS_LOST = f"""
SELECT (placed_at AT TIME ZONE %(zone)s)::date, count(*), sum(total) FROM import_order AS o WHERE {LOST} GROUP BY 1
"""  # noqa: S608 - the text above
REFUSE_LOST = f"""
WITH gone AS (DELETE FROM import_order AS o WHERE {LOST} RETURNING *)
INSERT INTO import_refused
SELECT number, line, 'refund_of',
    format('there is no imported order %%s of which %%s is left', refund_of, round(total, %(digits)s))
FROM gone
"""  # noqa: S608 - the text above
MAKE_REFUNDS = """
INSERT INTO orders_refund (id, order_id, credit_note, amount, reason, was_sale, pieces, status, tries, refusals,
    last_error, requested_at, made_at)
SELECT k.order_id, m.order_id, number, total, 'imported', true, '{}', 'done', 0, 0, '', placed_at, placed_at
FROM import_key k JOIN import_order USING (place) LEFT JOIN import_match m USING (place)
"""
