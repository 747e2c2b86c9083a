"""What an import asks of the database, a batch at a time. What is asked for stands in `import_asked`."""

TABLES = """
CREATE TEMP TABLE import_seen (sku text PRIMARY KEY, line integer NOT NULL, slug text);
CREATE INDEX ON import_seen (slug) WHERE slug IS NOT NULL;
CREATE TEMP TABLE import_asked (
    line integer PRIMARY KEY, id uuid NOT NULL, sku text NOT NULL, name text NOT NULL, price numeric NOT NULL,
    slug text, description text, category text, thumbnail text, is_active boolean, track_stock boolean, stock integer,
    category_id bigint, is_new boolean
);
CREATE INDEX ON import_asked (id);
CREATE INDEX ON import_asked (sku);
CREATE INDEX ON import_asked (slug) WHERE slug IS NOT NULL;
"""
# A batch is some thousands of a hundred thousand: the planner would read the whole table each time.
BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
DROP = "DROP TABLE IF EXISTS import_seen, import_asked"

COPY = """
COPY import_asked (
    line, id, sku, name, price, slug, description, category, thumbnail, is_active, track_stock, stock
) FROM STDIN
"""

# The first line of a SKU is the one that counts, in whichever batch it was.
SEE = """
INSERT INTO import_seen (sku, line, slug)
SELECT DISTINCT ON (sku) sku, line, slug FROM import_asked ORDER BY sku, line
ON CONFLICT DO NOTHING
"""
REFUSE_REPEATED = """
DELETE FROM import_asked AS asked USING import_seen AS seen
WHERE seen.sku = asked.sku AND seen.line <> asked.line
RETURNING asked.line, seen.line
"""
REFUSE_TAKEN_SLUGS = """
DELETE FROM import_asked AS asked
WHERE EXISTS (SELECT FROM catalog_product AS p WHERE p.slug = asked.slug AND p.sku <> asked.sku)
    OR EXISTS (SELECT FROM import_seen AS seen WHERE seen.slug = asked.slug AND seen.line < asked.line)
RETURNING asked.line
"""

RENAMED = """
SELECT asked.line, p.id, asked.slug FROM import_asked AS asked JOIN catalog_product AS p USING (sku)
WHERE asked.slug <> p.slug ORDER BY p.id
"""
RENAME = "UPDATE catalog_product SET slug = %s WHERE id = %s"

# A category is known by its slug, else by its name, else by the slug that its name would get.
KNOWN_CATEGORY = """coalesce(
    (SELECT id FROM catalog_category WHERE slug = said.category),
    (SELECT min(id) FROM catalog_category WHERE name = said.category),
    (SELECT id FROM catalog_category WHERE slug = said.slug)
)"""
CATEGORIES_SAID = """(
    SELECT category, coalesce(nullif(catalog_slug(category, 50), ''), 'category-' || left(md5(category), 8)) AS slug
    FROM import_asked WHERE category <> '' GROUP BY category ORDER BY min(line)
) AS said"""
MAKE_CATEGORIES = f"""
INSERT INTO catalog_category (slug, name)
SELECT DISTINCT ON (slug) slug, category FROM {CATEGORIES_SAID} WHERE {KNOWN_CATEGORY} IS NULL ORDER BY slug
ON CONFLICT DO NOTHING
RETURNING slug
"""  # noqa: S608 - the texts above
SET_CATEGORIES = f"""
UPDATE import_asked AS asked SET category_id = known.id
FROM (SELECT category, {KNOWN_CATEGORY} AS id FROM {CATEGORIES_SAID}) AS known
WHERE known.category = asked.category
"""  # noqa: S608 - the texts above

# Said once: a product that somebody else adds from here on is a conflict, not one to be passed over.
TELL_NEW = """
UPDATE import_asked AS asked SET is_new = NOT EXISTS (SELECT FROM catalog_product AS p WHERE p.sku = asked.sku)
"""

# A new product without a slug gets that of its name, or if that is taken with the SKU behind it, or with its id.
MAKE_SLUGS = """
WITH bare AS (
    SELECT line, id, catalog_slug(sku, 35) AS of_sku,
        coalesce(nullif(catalog_slug(name, 80), ''), nullif(catalog_slug(sku, 80), ''), 'product') AS of_name
    FROM import_asked WHERE slug IS NULL AND is_new
),
choices AS (
    SELECT line, of_name AS slug, 1 AS choice FROM bare
    UNION ALL SELECT line, of_name || '-' || of_sku, 2 FROM bare WHERE of_sku <> ''
    UNION ALL SELECT line, of_name || '-' || replace(id::text, '-', ''), 3 FROM bare
),
free AS (
    SELECT *, row_number() OVER (PARTITION BY slug ORDER BY choice, line) AS place FROM choices
    WHERE NOT EXISTS (SELECT FROM catalog_product AS p WHERE p.slug = choices.slug)
        AND NOT EXISTS (SELECT FROM import_asked AS other WHERE other.slug = choices.slug)
),
chosen AS (SELECT DISTINCT ON (line) line, slug FROM free WHERE place = 1 ORDER BY line, choice)
UPDATE import_asked AS asked SET slug = chosen.slug FROM chosen WHERE chosen.line = asked.line
"""

# Columns that may be left out leave what is there. The slug is not among them: see `storing.rename`.
WANTED = """(
    asked.name, asked.price, coalesce(asked.description, p.description), coalesce(asked.thumbnail, p.thumbnail),
    coalesce(asked.is_active, p.is_active), coalesce(asked.track_stock, p.track_stock),
    coalesce(asked.stock, p.stock_quantity),
    CASE WHEN asked.category IS NULL THEN p.category_id ELSE asked.category_id END
)"""
THERE = "(p.name, p.price, p.description, p.thumbnail, p.is_active, p.track_stock, p.stock_quantity, p.category_id)"
DIFFERING = f"catalog_product AS p JOIN import_asked AS asked USING (sku) WHERE {THERE} IS DISTINCT FROM {WANTED}"
HOLD = f"SELECT p.id FROM {DIFFERING} ORDER BY p.id FOR NO KEY UPDATE OF p"  # noqa: S608 - the texts above
CHANGE = f"""
WITH differing AS (
    SELECT asked.line, p.id, coalesce(asked.stock, p.stock_quantity) - p.stock_quantity AS delta
    FROM {DIFFERING} AND p.id = ANY(%(held)s)
),
noted AS (
    INSERT INTO catalog_stockmovement (product_id, delta, reason, actor_id)
    SELECT id, delta, CASE WHEN delta > 0 THEN 'restock' ELSE 'correction' END, %(actor)s
    FROM differing WHERE delta <> 0 ORDER BY id
),
changed AS (
    UPDATE catalog_product AS p
    SET (name, price, description, thumbnail, is_active, track_stock, stock_quantity, category_id) = ROW {WANTED}
    FROM import_asked AS asked, differing WHERE differing.line = asked.line AND p.id = differing.id
)
SELECT line, id, delta FROM differing
"""  # noqa: S608 - the texts above
ADD = """
WITH added AS (
    INSERT INTO catalog_product (id, slug, sku, name, description, category_id, price, thumbnail, is_active,
        track_stock, stock_quantity, total_sold, total_revenue)
    SELECT id, slug, sku, name, coalesce(description, ''), category_id, price, coalesce(thumbnail, ''),
        coalesce(is_active, true), coalesce(track_stock, true), coalesce(stock, 0), 0, 0
    FROM import_asked WHERE is_new ORDER BY line
    RETURNING id, stock_quantity
),
noted AS (
    INSERT INTO catalog_stockmovement (product_id, delta, reason, actor_id)
    SELECT id, stock_quantity, 'initial', %(actor)s FROM added WHERE stock_quantity <> 0 ORDER BY id
)
SELECT asked.line, added.id, added.stock_quantity FROM added JOIN import_asked AS asked USING (id)
"""
