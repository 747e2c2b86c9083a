"""A disk is full, or Redis's memory: the shop does what it can, loses nothing, and goes on by itself afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import LazySettings, settings
from django.db import OperationalError
from django.test import Client
from kombu import Connection

from config.celery import app
from config.settings import broker_url
from core import redis as core_redis
from core.clock import now
from core.models import LimitWindow
from orders.models import Order, PaymentAttempt, WebhookReceipt
from orders.services import expire_due, poll_billing
from sessions_app import ingest
from sessions_app.models import DeadLetter, SessionEvent, VisitorSession
from sessions_app.state import STREAM
from tests.billing_server import BillingService
from tests.core.limited import limit
from tests.factories import ProductFactory
from tests.faults.full import WAYS, execute, postgresql_full, redis_disk_full
from tests.promises.processes import LONG, Running, until
from tests.redis_server import RedisServer, own_redis
from tests.world import API, Shopper, World, cart, check_books, signed, webhook_body, window_ends

pytestmark = pytest.mark.django_db(transaction=True)
Way = Callable[[RedisServer], AbstractContextManager[None]]
FULL_SECONDS = 5
"""Longer than a worker waits for work before it asks again."""
A_WORKER_MORE = pytest.mark.skipif(not LONG, reason="it takes its time to start: make promises")
redis_is_full = pytest.mark.parametrize("full", WAYS)


@pytest.fixture
def server(settings: LazySettings) -> Iterator[RedisServer]:
    """A Redis of the test's own, for the cache too."""
    with own_redis(settings) as own:
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": own.url}}
        yield own


def view(shopper: Shopper) -> tuple[str, int]:
    """The script tells of a page view; its id, and how that was answered."""
    event_id = str(uuid4())
    sent = {"eventId": event_id, "eventType": "page_view", "page": "/x"}
    return event_id, shopper.post("/analytics/track", sent).status_code


def stored() -> set[str]:
    """The events that are kept."""
    return {str(event_id) for event_id in SessionEvent.objects.values_list("event_id", flat=True)}


def views_around(server: RedisServer, full: Way, shopper: Shopper) -> list[tuple[str, int]]:
    """Page views before, while and after Redis is full, and a flush while it is."""
    views = [view(shopper)]
    with full(server):
        views += [view(shopper), view(shopper)]
        with pytest.raises(core_redis.RedisAwayError):
            ingest.flush(consumer="test")
    views.append(view(shopper))
    ingest.flush(consumer="test")
    return views


@redis_is_full
def test_what_is_tracked_while_redis_is_full_is_kept_and_counted_once(full: Way, server: RedisServer) -> None:
    shopper = Shopper()
    shopper.visit()
    ingest.flush(consumer="test")
    views = views_around(server, full, shopper)
    assert [status for _id, status in views] == [202] * 4
    assert {event_id for event_id, _status in views} <= stored()
    assert VisitorSession.objects.get().script_page_views == len(views)
    assert not DeadLetter.objects.exists()


@redis_is_full
def test_control_not_taken_for_away_the_shopper_would_meet_an_error(
    full: Way, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the refusals that mean that Redis takes nothing."""
    shopper = Shopper()
    shopper.visit()
    away = (redis.ConnectionError, redis.TimeoutError)
    monkeypatch.setattr(core_redis, "is_away", lambda error: isinstance(error, away))
    with pytest.raises(redis.ResponseError):
        views_around(server, full, shopper)


@redis_is_full
def test_a_checkout_goes_through_while_redis_is_full(
    full: Way, server: RedisServer, world: World, billing: BillingService, shopper: Shopper
) -> None:
    before = shopper.checkout((world.mug, 1))
    with full(server):
        during = shopper.order(world, (world.tea, 1))
        assert shopper.confirm(before, world).status_code == 201
        assert shopper.get(f"/orders/{during.id}").status_code == 200
    assert shopper.order(world).status == "pending"
    assert len({str(order.visitor_session_id) for order in Order.objects.all()}) == 1
    check_books()


@redis_is_full
def test_what_must_be_limited_is_while_redis_is_full(full: Way, server: RedisServer, settings: LazySettings) -> None:
    limit(settings, login="2/minute")
    with full(server):
        answers = [
            Shopper().post("/storefront/auth/login", {"email": "a@example.com", "password": "no"}) for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert LimitWindow.objects.exists()


def full_around(server: RedisServer, folder: Path, *, app: str = "config.celery", careless: str = "") -> Running:
    """A worker whose broker was full for a few seconds while it waited for work."""
    broker = broker_url(server.url)
    worker = Running(
        "ingest", "--without-mingle", folder=folder, more={"CELERY_BROKER_URL": broker, "CARELESS": careless}, app=app
    )
    worker.wait_for("ready.")
    with redis_disk_full(server):
        time.sleep(FULL_SECONDS)
    return worker


@A_WORKER_MORE
def test_a_full_redis_ends_no_worker(server: RedisServer, tmp_path: Path) -> None:
    with closing_worker(full_around(server, tmp_path)) as worker:
        message = send_over(server)
        worker.wait_for(message, "succeeded")


@A_WORKER_MORE
def test_control_without_patience_with_refusals_it_ends(server: RedisServer, tmp_path: Path) -> None:
    """Celery takes a refusal for a mistake of its own."""
    careless = full_around(server, tmp_path, app="tests.promises.careless", careless="end_when_refused")
    with closing_worker(careless) as worker:
        until(worker.ended, "it ends")


@contextmanager
def closing_worker(worker: Running) -> Iterator[Running]:
    """For the length of a `with` block."""
    try:
        yield worker
    finally:
        worker.kill()


def send_over(server: RedisServer) -> str:
    """Tells a worker to flush over this broker; the id of the message."""
    with Connection(broker_url(server.url)) as connection:
        return str(app.send_task("sessions_app.tasks.flush_events", queue="ingest", connection=connection).id)


def refusals(answers: list[Any]) -> set[tuple[int, str]]:
    """How these were refused."""
    return {(answer.status_code, answer.json().get("error", "")) for answer in answers}


def test_while_postgresql_cannot_write_shoppers_read_and_are_told_to_come_again(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    order = shopper.order(world, (world.tea, 1))
    body = {"cartItems": cart([(world.mug, 1)])} | shopper.buyer(world)
    with postgresql_full():
        refused = [
            shopper.initiate((world.mug, 1)),
            shopper.confirm(checkout_id, world, "key"),
            shopper.post("/orders/create-from-cart", body),
            shopper.post(f"/orders/{order.id}/cancel"),
        ]
        assert refusals(refused) == {(503, "NOT_READY")}
        read = [
            shopper.get(path) for path in ("/storefront/products", f"/checkout/{checkout_id}", f"/orders/{order.id}")
        ]
        assert [answer.status_code for answer in read] == [200] * 3
        assert view(shopper)[1] == 202
    assert shopper.confirm(checkout_id, world, "key").status_code == 201
    assert Order.objects.count() == 2
    check_books()


def test_a_payment_that_postgresql_could_not_write_is_found_when_it_can(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world)
    PaymentAttempt.objects.update(next_poll_at=now())
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only()))
    with postgresql_full():
        headers = signed(body, secret=settings.BILLING_WEBHOOK_SECRETS[0])
        told = Client().post(f"{API}/billing/webhook", body, content_type="application/json", headers=headers)
        assert (told.status_code, told.json()["error"]) == (503, "NOT_READY")
        with pytest.raises(OperationalError):
            poll_billing(now=now())
    assert not WebhookReceipt.objects.exists()
    assert poll_billing(now=now()).changed == 1
    assert Order.objects.get(pk=order.pk).status == "success"
    check_books()


def test_orders_expire_when_postgresql_can_write_again(world: World, billing: BillingService, shopper: Shopper) -> None:
    order = shopper.order(world)
    window_ends(order)
    with postgresql_full(), pytest.raises(OperationalError):
        expire_due(now=now())
    expire_due(now=now())
    assert Order.objects.get(pk=order.pk).status == "expired"
    check_books()


def flush_around(shopper: Shopper) -> str:
    """A page view, and a flush while PostgreSQL is full and after it; its id."""
    event_id, status = view(shopper)
    assert status == 202
    with postgresql_full(), suppress(OperationalError):
        ingest.flush(consumer="full")
    ingest.flush(consumer="later")
    return event_id


def test_events_wait_in_redis_while_postgresql_cannot_write(shopper: Shopper) -> None:
    assert flush_around(shopper) in stored()
    assert core_redis.client().xlen(STREAM) == 0
    assert not DeadLetter.objects.exists()


def test_control_acknowledged_before_they_are_stored_they_are_lost(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store_taken(taken: Sequence[ingest.Taken]) -> int:
        ingest.acknowledge(taken)
        return real(taken)

    real = ingest.store_taken
    monkeypatch.setattr(ingest, "store_taken", store_taken)
    assert flush_around(shopper) not in stored()


def test_with_both_full_no_event_is_promised_to_be_kept(server: RedisServer) -> None:
    shopper = Shopper()
    shopper.visit()
    with redis_disk_full(server), postgresql_full():
        event_id, status = view(shopper)
    assert status == 503
    again, status = view(shopper)
    ingest.flush(consumer="test")
    assert status == 202
    assert again in stored()
    assert event_id not in stored()


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of a megabyte, in which PostgreSQL has the orders. Only root may make one."""
    if not LONG or os.geteuid() != 0:
        pytest.skip("a disk of its own: make promises, as root")
    folder = Path(tempfile.mkdtemp(prefix="footfall-disk-", dir="/var/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
    shutil.chown(folder, "nobody")
    try:
        execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        execute("ALTER TABLE orders_order SET TABLESPACE small")
        execute("VACUUM FULL orders_order")  # orders of other tests left room in it
        yield folder
        execute("ALTER TABLE orders_order SET TABLESPACE pg_default")
        execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


MOST_BEFORE_FULL = 100
"""Orders that find room in what PostgreSQL had already."""


def test_a_real_disk_that_is_full_costs_a_503_and_nothing_else(
    small_disk: Path, world: World, billing: BillingService, settings: LazySettings
) -> None:
    hot = ProductFactory(stock_quantity=1_000)
    ballast = small_disk / "ballast"
    with suppress(OSError), open(ballast, "wb", buffering=0) as filling:
        while filling.write(b"x" * 4096):
            pass
    answers: list[Any] = []
    while len(answers) < MOST_BEFORE_FULL and (not answers or answers[-1].status_code == 201):
        shopper = Shopper()
        body = {"cartItems": cart([(hot, 1)])} | shopper.buyer(world)
        answers.append(shopper.post("/orders/create-from-cart", body))
    assert refusals(answers[-1:]) == {(503, "NOT_READY")}
    ballast.unlink()
    assert Shopper().order(world, (hot, 1)).status == "pending"
    assert Order.objects.count() == len(answers)
    check_books()
