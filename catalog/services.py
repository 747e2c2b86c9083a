"""Every change of stock. One conditional update a product, in product-id order, so that buyers cannot deadlock."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from catalog.models import Product, StockMovement
from core.errors import DomainError

Reason = StockMovement.Reason


@dataclass(frozen=True)
class Shortage:
    """A product of which fewer pieces are left than were asked for."""

    product_id: UUID
    name: str
    asked: int
    available: int


class OutOfStockError(DomainError):
    """Not enough is left. `details.items` names each product, what was asked and what is available."""

    code, status = "OUT_OF_STOCK", 409
    message = _("Some of your items are no longer available in that quantity.")

    def __init__(self, shortages: list[Shortage]) -> None:
        items = [
            {"productId": str(s.product_id), "name": s.name, "asked": s.asked, "available": s.available}
            for s in shortages
        ]
        super().__init__(details={"items": items})
        self.shortages = shortages


# The rows are locked in id order first, then updated where enough is left: of two buyers of the last piece the
# second waits, and then sees 0. One statement, whatever the number of lines.
TAKE = """
WITH asked AS (SELECT * FROM unnest(%(ids)s::uuid[], %(quantities)s::int[]) AS a(id, quantity)),
held AS (
    SELECT p.id, asked.quantity FROM catalog_product p JOIN asked USING (id)
    WHERE p.track_stock ORDER BY p.id FOR NO KEY UPDATE OF p
),
taken AS (
    UPDATE catalog_product p SET stock_quantity = p.stock_quantity - held.quantity
    FROM held WHERE p.id = held.id AND p.stock_quantity >= held.quantity
    RETURNING p.id, held.quantity
),
noted AS (
    INSERT INTO catalog_stockmovement (product_id, delta, reason, order_id)
    SELECT id, -quantity, %(reason)s, %(order_id)s FROM taken
)
SELECT held.id FROM held LEFT JOIN taken USING (id) WHERE taken.id IS NULL
"""

GIVE_BACK = """
WITH outstanding AS (
    SELECT product_id, -sum(delta) AS quantity FROM catalog_stockmovement
    WHERE order_id = ANY(%(order_ids)s) GROUP BY product_id, order_id HAVING sum(delta) < 0
),
held AS (
    SELECT p.id FROM catalog_product p WHERE p.id IN (SELECT product_id FROM outstanding)
    ORDER BY p.id FOR NO KEY UPDATE
),
returned AS (
    UPDATE catalog_product p SET stock_quantity = p.stock_quantity + back.quantity
    FROM (SELECT product_id, sum(quantity) AS quantity FROM outstanding GROUP BY product_id) back
    WHERE p.id = back.product_id AND p.id IN (SELECT id FROM held)
)
INSERT INTO catalog_stockmovement (product_id, delta, reason, order_id)
SELECT product_id, -sum(delta), 'released', order_id FROM catalog_stockmovement
WHERE order_id = ANY(%(order_ids)s) GROUP BY product_id, order_id HAVING sum(delta) < 0
"""


PUT_BACK = """
WITH asked AS (SELECT * FROM unnest(%(ids)s::uuid[], %(quantities)s::int[]) AS a(id, quantity)),
held AS (
    SELECT p.id, asked.quantity FROM catalog_product p JOIN asked USING (id)
    WHERE p.track_stock ORDER BY p.id FOR NO KEY UPDATE OF p
),
returned AS (
    UPDATE catalog_product p SET stock_quantity = p.stock_quantity + held.quantity
    FROM held WHERE p.id = held.id RETURNING p.id, held.quantity
)
INSERT INTO catalog_stockmovement (product_id, delta, reason, actor_id)
SELECT id, quantity, %(reason)s, %(actor)s FROM returned
"""


@transaction.atomic(savepoint=False)
def reserve_stock(*, quantities: Mapping[UUID, int], order_id: UUID, reason: Reason = Reason.RESERVED) -> None:
    """Takes the pieces of one order out of stock, all or none. Untracked products are passed over.

    Raises:
        OutOfStockError: with every product that is short, not only the first.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE,
            {
                "ids": list(quantities),
                "quantities": list(quantities.values()),
                "reason": reason,
                "order_id": order_id,
            },
        )
        short = [row[0] for row in cursor.fetchall()]
    if short:
        raise OutOfStockError(shortages(quantities, short))


def shortages(quantities: Mapping[UUID, int], product_ids: list[UUID]) -> list[Shortage]:
    """What is asked and what is left of each."""
    return [
        Shortage(product.id, product.name, quantities[product.id], product.stock_quantity)
        for product in Product.objects.filter(id__in=product_ids).order_by("id")
    ]


@transaction.atomic(savepoint=False)
def release_stock(*, order_ids: list[UUID]) -> None:
    """Puts back what closed orders still hold. Twice is harmless: the ledger says what is outstanding."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, {"order_ids": order_ids})


@transaction.atomic(savepoint=False)
def restock(*, quantities: Mapping[UUID, int], actor_id: int | None = None) -> None:
    """Puts pieces that came back on the shelf. Untracked products are passed over."""
    with connection.cursor() as cursor:
        cursor.execute(
            PUT_BACK,
            {
                "ids": list(quantities),
                "quantities": list(quantities.values()),
                "reason": Reason.RESTOCK,
                "actor": actor_id,
            },
        )


@transaction.atomic(savepoint=False)
def record_sale(*, lines: Mapping[UUID, tuple[int, Decimal]]) -> None:
    """Adds a paid order's pieces and money to the products' totals. `lines`: product id to (quantity, money)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH sold AS (SELECT * FROM unnest(%s::uuid[], %s::int[], %s::numeric[]) AS s(id, quantity, revenue)),
            held AS (SELECT id FROM catalog_product WHERE id IN (SELECT id FROM sold) ORDER BY id FOR NO KEY UPDATE)
            UPDATE catalog_product p SET total_sold = total_sold + quantity, total_revenue = total_revenue + revenue
            FROM sold WHERE p.id = sold.id AND p.id IN (SELECT id FROM held)
            """,
            [list(lines), [q for q, _money in lines.values()], [m for _quantity, m in lines.values()]],
        )


@transaction.atomic(savepoint=False)
def adjust_stock(*, product: Product, delta: int, reason: Reason, actor: AbstractBaseUser | None = None) -> Product:
    """Adds to or takes from the stock by hand (initial, restock, correction).

    Raises:
        OutOfStockError: it would go below zero.
    """
    locked = Product.objects.select_for_update(no_key=True).get(pk=product.pk)
    if locked.stock_quantity + delta < 0:
        raise OutOfStockError([Shortage(locked.id, locked.name, -delta, locked.stock_quantity)])
    locked.stock_quantity += delta
    locked.save(update_fields=["stock_quantity"])
    StockMovement.objects.create(product=locked, delta=delta, reason=reason, actor_id=actor.pk if actor else None)
    return locked
