"""Stock and its ledger."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.models import Product, StockMovement
from catalog.services import OutOfStockError, adjust_stock, record_sale, release_stock, reserve_stock
from core.ids import new_id
from tests.factories import ProductFactory, UserFactory
from tests.world import check_books

pytestmark = pytest.mark.django_db

Reason = StockMovement.Reason


def left(product: Product) -> int:
    return Product.objects.get(pk=product.pk).stock_quantity


def reserve(*lines: tuple[Product, int], order_id: UUID | None = None) -> UUID:
    order_id = order_id or new_id()
    reserve_stock(quantities={product.id: quantity for product, quantity in lines}, order_id=order_id)
    return order_id


def test_reserving_takes_pieces_and_notes_them() -> None:
    cup, plate = ProductFactory(stock_quantity=5), ProductFactory(stock_quantity=7)
    order_id = reserve((cup, 2), (plate, 7))
    assert (left(cup), left(plate)) == (3, 0)
    notes = StockMovement.objects.filter(order_id=order_id).values_list("product_id", "delta", "reason")
    assert set(notes) == {(cup.id, -2, "reserved"), (plate.id, -7, "reserved")}
    check_books()


def test_all_or_none_is_taken_and_every_shortage_is_named() -> None:
    cup, plate, fork = (ProductFactory(stock_quantity=number) for number in (5, 1, 0))
    with pytest.raises(OutOfStockError) as error, transaction.atomic():
        reserve((cup, 5), (plate, 2), (fork, 1))
    assert {(s.product_id, s.asked, s.available) for s in error.value.shortages} == {(plate.id, 2, 1), (fork.id, 1, 0)}
    assert (left(cup), left(plate), left(fork)) == (5, 1, 0)
    check_books()


def test_untracked_stock_is_passed_over() -> None:
    endless = ProductFactory(track_stock=False, stock_quantity=0)
    order_id = reserve((endless, 50))
    assert not StockMovement.objects.filter(order_id=order_id).exists()


def test_reserving_is_one_statement_whatever_the_number_of_lines() -> None:
    products = ProductFactory.create_batch(20)
    with CaptureQueriesContext(connection) as queries:
        reserve(*[(product, 1) for product in products])
    assert len(queries) == 1


def test_releasing_gives_back_what_is_outstanding_and_no_more() -> None:
    cup = ProductFactory(stock_quantity=5)
    order_id = reserve((cup, 3))
    for _ in range(3):
        release_stock(order_ids=[order_id])
    assert left(cup) == 5
    check_books()


def test_releasing_for_many_orders_adds_up() -> None:
    cup, plate = ProductFactory(stock_quantity=5), ProductFactory(stock_quantity=5)
    orders = [reserve((cup, 1), (plate, 2)), reserve((cup, 2)), reserve((plate, 1))]
    release_stock(order_ids=orders[:2])
    assert (left(cup), left(plate)) == (5, 4)
    check_books()


def test_taken_again_after_a_release_is_outstanding_again() -> None:
    cup = ProductFactory(stock_quantity=5)
    order_id = reserve((cup, 3))
    release_stock(order_ids=[order_id])
    reserve((cup, 3), order_id=order_id)
    assert left(cup) == 2
    release_stock(order_ids=[order_id])
    assert left(cup) == 5
    check_books()


def test_what_was_taken_while_tracked_comes_back_when_it_no_longer_is() -> None:
    cup = ProductFactory(stock_quantity=5)
    order_id = reserve((cup, 3))
    Product.objects.update(track_stock=False)
    release_stock(order_ids=[order_id])
    assert left(cup) == 5


def test_a_sale_adds_pieces_and_money() -> None:
    cup, plate = ProductFactory(), ProductFactory()
    record_sale(lines={cup.id: (2, Decimal("9.98")), plate.id: (1, Decimal("3.00"))})
    record_sale(lines={cup.id: (1, Decimal("4.99"))})
    sold = {p.id: (p.total_sold, p.total_revenue) for p in Product.objects.all()}
    assert sold == {cup.id: (3, Decimal("14.97")), plate.id: (1, Decimal("3.00"))}


def test_staff_can_add_and_take_stock() -> None:
    cup, staff = ProductFactory(stock_quantity=5), UserFactory()
    adjust_stock(product=cup, delta=7, reason=Reason.RESTOCK, actor=staff)
    adjust_stock(product=cup, delta=-2, reason=Reason.CORRECTION, actor=staff)
    assert left(cup) == 10
    newest = cup.movements.first()
    assert newest is not None
    assert (newest.delta, newest.reason, newest.actor) == (-2, "correction", staff)
    check_books()


def test_staff_cannot_take_more_than_there_is() -> None:
    cup = ProductFactory(stock_quantity=5)
    with pytest.raises(OutOfStockError), transaction.atomic():
        adjust_stock(product=cup, delta=-6, reason=Reason.CORRECTION)
    check_books()


def test_the_database_itself_refuses_stock_below_zero() -> None:
    cup = ProductFactory(stock_quantity=5)
    with pytest.raises(IntegrityError, match="product_stock_not_negative"), transaction.atomic():
        Product.objects.filter(pk=cup.pk).update(stock_quantity=-1)


def test_the_database_itself_refuses_a_negative_price() -> None:
    with pytest.raises(IntegrityError, match="product_price_not_negative"), transaction.atomic():
        ProductFactory(price=Decimal("-0.01"))


def test_the_database_itself_refuses_a_movement_of_nothing() -> None:
    cup = ProductFactory(stock_quantity=5)
    with pytest.raises(DatabaseError, match="stock_movement_moves_something"), transaction.atomic():
        StockMovement.objects.create(product=cup, delta=0, reason=Reason.CORRECTION)
