"""Orders are read from a cache that is never behind: PostgreSQL says the version, and who may see it, at every read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from core import redis as core_redis
from core.clock import now
from core.versioned import keys
from customers.models import Customer
from orders.models import Order, OrderItem, OrderSession, OrderStatusChange, PaymentAttempt
from orders.reading import LIST_SECONDS, ORDER_SECONDS
from orders.serializers import OrderOut, order_body
from orders.services import cancel_order
from orders.tokens import access_token
from tests.billing_server import BillingService
from tests.factories import UserFactory
from tests.redis_server import RedisServer, ask_again, own_redis
from tests.world import ADDRESS, Shopper, World, attempt_of, report, together

pytestmark = pytest.mark.django_db

Change = Callable[[Order], Any]
CHANGES: dict[str, Change] = {
    "status": lambda o: Order.objects.filter(pk=o.pk).update(status="failed", closed_at=now()),
    "fulfilment": lambda o: Order.objects.filter(pk=o.pk).update(fulfillment_status="shipped"),
    "parcel": lambda o: Order.objects.filter(pk=o.pk).update(tracking_number="AB123456789GB"),
    "refund": lambda o: Order.objects.filter(pk=o.pk).update(status="success", paid_at=now(), refunded_amount=1),
    "erased": lambda o: Order.objects.filter(pk=o.pk).update(email="", billing_address=ADDRESS | {"line1": ""}),
    "line": lambda o: OrderItem.objects.filter(order=o).update(name="Cup"),
    "line gone": lambda o: OrderItem.objects.filter(order=o).delete(),
    "product gone": lambda o: OrderItem.objects.filter(order=o).update(product=None),
    "window": lambda o: OrderSession.objects.filter(order=o).update(expires_at=now()),
    "attempt": lambda o: PaymentAttempt.objects.update(status="failure", resolved_at=now()),
    "attempt gone": lambda o: PaymentAttempt.objects.all().delete(),
    "history": lambda o: OrderStatusChange.objects.create(order=o, old="pending", new="failed", actor="test"),
    "reason erased": lambda o: OrderStatusChange.objects.update(reason=""),
}  # fmt: skip
READS: dict[str, Callable[[Shopper, Order], Any]] = {
    "order": lambda s, o: s.get(f"/orders/{o.id}").json()["data"],
    "list": lambda s, o: s.get("/orders").json()["data"]["items"][0],
}


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world, (world.mug, 1), (world.tea, 2))


def rendered(order: Order) -> Any:
    """The order as it is now, read the long way."""
    fresh = Order.objects.get(pk=order.pk)
    return OrderOut(order_body(fresh, now=now())).data


def still(body: dict[str, Any]) -> dict[str, Any]:
    """All of an order but the countdown."""
    return body | {"session": body["session"] | {"remainingSeconds": 0, "remainingMinutes": 0}}


@pytest.mark.parametrize("read", READS)
def test_what_is_kept_is_what_was_rendered(read: str, order: Order, shopper: Shopper) -> None:
    first, again = (still(READS[read](shopper, order)) for _ in range(2))
    assert first == again == still(rendered(order))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("read", READS)
def test_any_change_is_seen_by_the_very_next_read(read: str, change: str, order: Order, shopper: Shopper) -> None:
    before = READS[read](shopper, order)
    CHANGES[change](order)
    after = READS[read](shopper, order)
    assert still(after) == still(rendered(order)) != still(before)


def test_two_changes_in_one_transaction_are_two_versions(order: Order, shopper: Shopper) -> None:
    for status in ("processing", "shipped", "delivered"):
        Order.objects.update(fulfillment_status=status)
        assert READS["order"](shopper, order)["fulfillmentStatus"] == status


def test_a_first_read_takes_two_statements_and_the_next_one(
    order: Order, shopper: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for statements in (2, 1, 1):
        with django_assert_num_queries(statements):
            shopper.get(f"/orders/{order.id}")
    with django_assert_num_queries(1):
        shopper.get(f"/orders/{order.id}/session")


def test_a_list_takes_as_many_for_many_orders(
    world: World, billing: BillingService, shopper: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        shopper.order(world)
    for statements in (2, 1):
        with django_assert_num_queries(statements):
            assert len(shopper.get("/orders").json()["data"]["items"]) == 4


def test_one_new_order_is_all_that_a_list_renders(world: World, billing: BillingService, shopper: Shopper) -> None:
    old = shopper.order(world)
    shopper.get("/orders")
    new = shopper.order(world)
    with CaptureQueriesContext(connection) as captured:
        shopper.get("/orders")
    sql = captured.captured_queries[-1]["sql"]
    assert (new.id.hex in sql, old.id.hex in sql) == (True, False)


def test_what_the_poll_notes_on_an_attempt_costs_no_reader_anything(
    order: Order, shopper: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shopper.get(f"/orders/{order.id}")
    PaymentAttempt.objects.update(next_poll_at=now(), poll_count=7, unknown_count=1, error_count=1, last_error="slow")
    with django_assert_num_queries(1):
        shopper.get(f"/orders/{order.id}")


def test_a_kept_window_counts_down(
    order: Order, shopper: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    report(attempt_of(order), "failure")
    shopper.get(f"/orders/{order.id}")
    expires_at = OrderSession.objects.get().expires_at
    for left, shown in ((timedelta(seconds=90), (90, 1.5, True)), (timedelta(0), (0, 0.0, False))):
        with time_machine.travel(expires_at - left, tick=False), django_assert_num_queries(1):
            session = READS["order"](shopper, order)["session"]
        assert (session["remainingSeconds"], session["remainingMinutes"], session["canRetry"]) == shown


@pytest.mark.parametrize(("path", "seconds"), [("/orders/{id}", ORDER_SECONDS), ("/orders", LIST_SECONDS)])
def test_orders_are_kept_ten_minutes_and_those_of_a_list_five(
    path: str, seconds: int, order: Order, shopper: Shopper
) -> None:
    shopper.get(path.format(id=order.id))
    (key,) = keys("orders", [order.id])
    assert seconds - 10 <= core_redis.client().ttl(key) <= seconds


PATHS = ("/orders/{id}", "/orders/{id}/session", "/orders")


@pytest.mark.parametrize("path", PATHS)
def test_to_a_stranger_a_kept_order_does_not_exist(path: str, order: Order, shopper: Shopper, world: World) -> None:
    stranger, customer = Shopper(), Shopper()
    stranger.order(world)
    customer.client.force_login(UserFactory())
    shopper.get(path.format(id=order.id))
    for reader in (stranger, customer, Shopper()):
        assert str(order.id) not in reader.get(path.format(id=order.id)).content.decode()
        assert reader.get(f"/orders/{order.id}").json()["error"] == "NOT_FOUND"


def test_whoever_lost_the_right_to_an_order_is_not_shown_what_was_kept(order: Order, shopper: Shopper) -> None:
    shopper.get(f"/orders/{order.id}")
    Order.objects.update(visitor_session=None)
    assert shopper.get(f"/orders/{order.id}").status_code == 404


def test_the_token_and_the_login_read_the_same_kept_order(
    order: Order, shopper: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user, customer = UserFactory(), Shopper()
    Customer.objects.update(user=user)
    mine = still(READS["order"](shopper, order))
    with django_assert_num_queries(1):
        by_token = Shopper().get(f"/orders/{order.id}", **{"X-Order-Token": access_token(order.id)})
    customer.client.force_login(user)
    assert still(by_token.json()["data"]) == still(READS["list"](customer, order)) == mine


@pytest.mark.parametrize("path", [*PATHS, "/orders/01a213af-33df-751d-961b-1004d9ec268b", "/orders?cursor=x"])
def test_no_answer_may_be_stored(path: str, order: Order, shopper: Shopper) -> None:
    assert shopper.get(path.format(id=order.id))["Cache-Control"] == "no-store"


def test_a_list_of_visit_and_customer_is_found_by_their_indexes(order: Order, shopper: Shopper) -> None:
    user = UserFactory()
    shopper.client.force_login(user)
    with CaptureQueriesContext(connection) as captured:
        shopper.get("/orders")
    sql = next(query["sql"] for query in captured.captured_queries if "xmin" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("EXPLAIN " + sql.replace("%", "%%"))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "BitmapOr" in plan


@pytest.fixture
def server(settings: LazySettings) -> Iterator[RedisServer]:
    """A Redis that the test may treat badly."""
    with own_redis(settings) as own:
        yield own


@pytest.mark.django_db(transaction=True)
def test_with_redis_away_orders_are_rendered_and_what_it_kept_is_not_believed_afterwards(
    server: RedisServer, order: Order, shopper: Shopper
) -> None:
    shopper.get(f"/orders/{order.id}")
    server.kill()
    assert READS["order"](shopper, order)["status"] == "pending"
    cancel_order(order_id=order.id, actor="test", now=now())
    assert READS["order"](shopper, order)["status"] == "cancelled"
    server.start()
    ask_again()
    assert server.holds(keys("orders", [order.id])[0])
    assert READS["order"](shopper, order)["status"] == "cancelled"


# Two changes, each a transaction of its own: the attempt fails, then the order is cancelled.
OPEN, FAILED, CANCELLED = (
    ("pending", "open", "pending"),
    ("pending", "failure", "pending"),
    ("cancelled", "failure", "cancelled"),
)


def state_of(body: dict[str, Any]) -> tuple[str, str, str]:
    """What the order says of itself, of its attempt, and last of its history."""
    return body["status"], body["attempts"][0]["status"], body["history"][-1]["status"]


def fail(order: Order) -> None:
    report(attempt_of(order), "failure")


def cancel(order: Order) -> None:
    cancel_order(order_id=order.id, actor="test", now=now())


def fail_and_cancel(order: Order) -> None:
    fail(order)
    cancel(order)


@contextmanager
def meanwhile(works: dict[int, Callable[[], Any]]) -> Iterator[None]:
    """Does each work on another connection, just before the statement of this connection with its number; those whose
    statement never came, afterwards.
    """
    number, waiting = 0, dict(works)

    def wrapper(execute: Any, *arguments: Any) -> Any:
        nonlocal number
        number += 1
        if work := waiting.pop(number, None):
            (outcome,) = together(1, lambda _place: work())
            assert not isinstance(outcome, Exception), outcome
        return execute(*arguments)

    with connection.execute_wrapper(wrapper):
        yield
    for work in waiting.values():
        work()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kept", [True, False], ids=["kept before", "new"])
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("places", [(1, 2), (1, 3), (2, 3)])
def test_two_changes_during_a_read_show_a_state_that_was_and_the_next_read_shows_the_last(
    places: tuple[int, int], read: str, kept: bool, order: Order, shopper: Shopper
) -> None:
    if kept:
        READS[read](shopper, order)
    with meanwhile({places[0]: partial(fail, order), places[1]: partial(cancel, order)}):
        assert state_of(READS[read](shopper, order)) in (OPEN, FAILED, CANCELLED)
    assert state_of(READS[read](shopper, order)) == CANCELLED


@pytest.mark.django_db(transaction=True)
def test_control_read_in_several_statements_an_order_is_shown_that_never_was(order: Order) -> None:
    several = Order.objects.select_related("session").prefetch_related("items", "session__attempts", "history")
    with meanwhile({2: partial(fail_and_cancel, order)}):
        torn = OrderOut(order_body(several.get(pk=order.pk), now=now())).data
    assert state_of(torn) not in (OPEN, FAILED, CANCELLED)


@pytest.mark.django_db(transaction=True)
def test_a_slow_reader_that_keeps_an_old_version_last_misleads_nobody(order: Order, shopper: Shopper) -> None:
    token = str(shopper.visit()["token"])
    other = Shopper(**{"x-visitor-session": token})

    def change_and_read() -> None:
        fail(order)
        assert state_of(READS["order"](other, order)) == FAILED

    def wrapper(execute: Any, sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        if "json_agg" in sql:  # this reader has its snapshot, and has not kept it yet
            (outcome,) = together(1, lambda _place: change_and_read())
            assert outcome is None
        return result

    with connection.execute_wrapper(wrapper):
        assert state_of(READS["order"](shopper, order)) == OPEN
    assert state_of(READS["order"](shopper, order)) == FAILED


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_readers_beside_a_writer_see_states_that_were_and_never_go_back(order: Order, shopper: Shopper) -> None:
    token, over = str(shopper.visit()["token"]), threading.Event()
    steps = ["processing", "shipped", "delivered"] * 10

    def write() -> list[tuple[int, int]]:
        reader, seen = Shopper(**{"x-visitor-session": token}), []
        for number, step in enumerate(steps, 1):
            Order.objects.filter(pk=order.pk).update(fulfillment_status=step, subtotal=number, total=number + 13)
            seen.append((number, amount(READS["order"](reader, order))))
        over.set()
        return seen

    def read() -> list[int]:
        reader, seen = Shopper(**{"x-visitor-session": token}), []
        while not over.is_set():
            seen.append(amount(READS["order"](reader, order)))
        return seen

    Order.objects.update(subtotal=0, total=13, shipping_amount=13, tax_amount=0)
    written, *read_by = together(4, lambda place: read() if place else write())
    assert [shown for _number, shown in written] == [number for number, _shown in written]
    for seen in read_by:
        assert seen == sorted(seen)


def amount(body: dict[str, Any]) -> int:
    return int(Decimal(body["summary"]["subtotal"]))
