"""What must agree in the catalog (`core.integrity`)."""

from core.integrity import Check, register

STOCK = Check(
    "stock_is_its_ledger",
    "A product's stock is the sum of its movements.",
    """
SELECT p.sku AS row_name, format('stock %%s, ledger %%s', p.stock_quantity, coalesce(m.pieces, 0)) AS problem
FROM catalog_product p
LEFT JOIN (SELECT product_id, sum(delta) AS pieces FROM catalog_stockmovement GROUP BY 1) m ON m.product_id = p.id
WHERE p.stock_quantity <> coalesce(m.pieces, 0)
""",
)


def register_checks() -> None:
    """Makes them known; called when the app is ready."""
    register(STOCK)
