"""One product that everybody wants at the same moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from uuid import UUID

import psycopg
from django.db import connection
from django.db.models import Sum

from benchmarks.billing import stand_in_process
from benchmarks.buying import confirm, payable_orders
from benchmarks.costs import Meter, Used, family_seconds, postgresql
from benchmarks.crew import Crew, crew
from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.same_rows import address, row_counts
from benchmarks.shop import STOCK, price_tables, visitor
from catalog.models import Product, StockMovement
from catalog.services import adjust_stock
from checkout import services
from checkout.models import ShippingMethod
from core.clock import now
from sessions_app.state import SessionState

PROCESSES, THREADS = 4, 8
"""32 clients. Each process has the threads of a web worker, for which its pool of 10 connections is enough: nobody
waits for a connection, nor do 32 wait for one interpreter."""
ORDERS_A_ROUND = 640
UPDATES_A_ROUND = 6400
ONE_EACH = (
    "orders_order", "orders_orderitem", "orders_ordersession", "orders_paymentattempt", "catalog_stockmovement",
    "checkout_checkoutsession", "checkout_idempotencykey",
)  # fmt: skip
"""Tables in which an order of one line leaves one row."""
TAKE_ONE = "UPDATE catalog_product SET stock_quantity = stock_quantity - 1 WHERE id = %s AND stock_quantity >= 1"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def hot_stock() -> Measurement:
    """32 clients that each order a piece of one product over the services, again and again, from the cart to the open
    payment as `create-from-cart` does it, orders a second; against 32 plain psycopg connections of as many processes
    that take a piece of one product by a conditional UPDATE in its own transaction. Stock and ledger are checked.
    """
    price_tables()
    hot, plain = stocked("hot"), stocked("plain")
    deadlocks_before = deadlocks()
    with stand_in_process() as billing, crew(PROCESSES, {"BILLING_URL": billing.url}) as clients:
        server = postgresql()
        programs: dict[str, Used] = {
            "clients'": clients.cpu_seconds,
            "PostgreSQL's": lambda: family_seconds(server),
            "the billing stand-in's": lambda: family_seconds(billing.process),
        }
        ordered(clients, hot, programs, orders=PROCESSES)  # the first of a process fills its caches
        ordered(clients, hot, programs)
        updated(clients, plain, programs)
        measured = alternate(
            lambda: ordered(clients, hot, programs), lambda: updated(clients, plain, programs), unit="orders/s"
        )
    require(deadlocks() == deadlocks_before, "PostgreSQL has ended deadlocks")
    return measured


def ordered(clients: Crew, product: Product, programs: dict[str, Used], *, orders: int = ORDERS_A_ROUND) -> Sample:
    """A round of orders; the visits have begun before.

    Raises:
        NotDoneError: an error, or stock, ledger or rows are not those of so many orders.
    """
    sessions, method = [visitor() for _ in range(orders)], ShippingMethod.objects.get()
    rows, stock, payable = row_counts(), stock_of(product), payable_orders()
    shares = [(sessions[place::PROCESSES], product.id, method.id) for place in range(PROCESSES)]
    sample = timed(lambda: clients.each("hot_stock.order_all", shares), orders, programs, "an order")
    added = row_counts() - rows
    require(all(added[table] == orders for table in ONE_EACH), f"the round added {dict(added)}")
    check_books(product, stock - orders)
    require(payable_orders() - payable == orders, "not every order has an open attempt to pay")
    return sample


def updated(clients: Crew, product: Product, programs: dict[str, Used]) -> Sample:
    """A round of the floor.

    Raises:
        NotDoneError: an error, or pieces that were not taken.
    """
    stock, each = stock_of(product), UPDATES_A_ROUND // (PROCESSES * THREADS)
    shares = [(address(), product.id, each)] * PROCESSES
    sample = timed(lambda: clients.each("hot_stock.update_all", shares), UPDATES_A_ROUND, programs, "an update")
    require(stock_of(product) == stock - UPDATES_A_ROUND, f"{stock - stock_of(product)} pieces were taken")
    return sample


def timed(work: Callable[[], object], count: int, programs: dict[str, Used], unit: str) -> Sample:
    """How often a second, and what each program used for one."""
    meter, begun = Meter(programs), time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    return Sample(count / seconds, meter.notes(count, unit))


def order_all(sessions: Sequence[SessionState], product_id: UUID, method_id: UUID) -> None:
    """A process's part of a round of orders: whichever thread is free takes the next visitor."""
    waiting = iter(sessions)
    in_threads(lambda _place: order_each(waiting, product_id, method_id))


def order_each(waiting: Iterator[SessionState], product_id: UUID, method_id: UUID) -> None:
    """A thread's part."""
    try:
        for session in waiting:
            order(session, product_id, method_id)
    finally:
        connection.close()  # the pool's again


def order(session: SessionState, product_id: UUID, method_id: UUID) -> None:
    """One order of one piece."""
    confirm(
        session,
        lambda: services.initiate(session=session, cart=[(product_id, 1)], now=now()).id,
        method_id=method_id,
    )


def update_all(place: str, product_id: UUID, times: int) -> None:
    """A process's part of a round of the floor, `times` by each thread."""
    connections = plain_connections(place)
    in_threads(lambda number: update_each(connections[number], product_id, times))


def update_each(plain: psycopg.Connection, product_id: UUID, times: int) -> None:
    """A thread's part."""
    for _time in range(times):
        require(plain.execute(TAKE_ONE, [product_id]).rowcount == 1, "an update took nothing")


@cache
def plain_connections(place: str) -> list[psycopg.Connection]:
    """A process's connections for the floor, opened in the first round."""
    return [psycopg.connect(place, autocommit=True) for _ in range(THREADS)]


def in_threads(work: Callable[[int], None]) -> None:
    """Does it in all threads of a process at once.

    Raises:
        what one of them does.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))


def stocked(name: str) -> Product:
    """A product of its own, whose books no other benchmark keeps, with more pieces than can be ordered."""
    product = Product.objects.create(slug=name, sku=name, name=name, price=Decimal("24.90"), description="Boils." * 50)
    return adjust_stock(product=product, delta=STOCK, reason=StockMovement.Reason.INITIAL)


def stock_of(product: Product) -> int:
    """Pieces left."""
    return Product.objects.values_list("stock_quantity", flat=True).get(pk=product.pk)


def check_books(product: Product, stock: int) -> None:
    """Stock and ledger after a round.

    Raises:
        NotDoneError: they are not what they should be.
    """
    left, in_ledger = stock_of(product), product.movements.aggregate(sum=Sum("delta"))["sum"]
    require(left == stock == in_ledger, f"{left} left, {in_ledger} in the ledger, not {stock}")


def deadlocks() -> int:
    """How many PostgreSQL has ended in this database."""
    with connection.cursor() as cursor:
        cursor.execute(DEADLOCKS)
        return int((cursor.fetchone() or [0])[0])
