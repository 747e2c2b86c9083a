-- Orders, or of filtered visits theirs alone.
, ordered AS NOT MATERIALIZED (
    SELECT * FROM orders_order WHERE {of_order}
)
