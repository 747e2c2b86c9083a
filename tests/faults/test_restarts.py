"""A release is brought in while shoppers browse, are tracked and buy: no request fails, and no job is lost. Web
processes take turns on one socket, as `deploy/systemd` has them; workers and beat end what they have in hand.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from catalog.models import Product
from config.schedule import sync_schedule
from core import redis as core_redis
from orders.models import Order
from sessions_app.models import SessionEvent
from sessions_app.state import STREAM
from tests.billing_server import BillingService, billing_service
from tests.deploy.service import Service, listening
from tests.factories import ProductFactory
from tests.faults import accounts
from tests.faults.load import PACE_SECONDS, Answer, Ledger, Shop, Visitor, be_tracked, browse, buy, load, told
from tests.promises.crew import WORDS, empty_queues, queues_are_empty, send
from tests.promises.gates import tables_held
from tests.promises.processes import LONG, SECONDS, Running, until
from tests.world import API, World

pytestmark = pytest.mark.django_db(transaction=True)
log = logging.getLogger(__name__)
PRODUCTS = f"{API}/storefront/products"
WORDS_OF_WEB = ("--max-requests", "60", "--max-requests-jitter", "60") if LONG else ("--workers", "1")
"""Where there is time for it web's workers are renewed again and again, so that this is tried too."""
SETTINGS = {"RATE_LIMIT_ALLOWLIST": "192.0.2.0/24", "RATE_LIMIT_GENERAL": "100000/minute", "TRUSTED_PROXY_COUNT": "1"}
A_WORKER_MORE = pytest.mark.skipif(not LONG, reason="it takes its time to start: make promises")


class Webs:
    """Two web processes on one socket, one of them serving."""

    def __init__(self, listens: socket.socket, folder: Path) -> None:
        self.port: int = listens.getsockname()[1]
        self.serving, self.idle = (
            Service(f"web-{number}", listens, folder, SETTINGS, WORDS_OF_WEB) for number in (1, 2)
        )

    def serve(self) -> None:
        """One of them does, now."""
        if self.serving.ended():
            self.serving.start()

    def take_turns(self) -> None:
        """The other one starts, and when it is ready this one stops."""
        self.idle.start()
        assert self.serving.stop() == 0
        self.serving, self.idle = self.idle, self.serving

    def close(self) -> None:
        self.idle.kill()
        self.serving.kill()


@pytest.fixture(scope="module")
def billing() -> Iterator[BillingService]:
    """One that outlives a test, as the web process does that talks to it."""
    with override_settings(), billing_service(settings) as service:
        yield service


@pytest.fixture(scope="module")
def webs_of_module(
    billing: BillingService, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[Webs]:
    with listening() as listens:
        webs = Webs(listens, tmp_path_factory.mktemp("web"))
        yield webs
        webs.close()


@pytest.fixture
def shop(webs_of_module: Webs, billing: BillingService) -> Shop:
    """A shop that serves, with enough to sell."""
    webs_of_module.serve()
    sync_schedule()
    return Shop(webs_of_module.port, World(mug=ProductFactory(name="Mug", stock_quantity=100_000)), billing)


@pytest.fixture
def webs(webs_of_module: Webs) -> Webs:
    return webs_of_module


def worker(folder: Path) -> Running:
    """One for all queues takes less time to start than one for each."""
    return Running("ingest", *WORDS, folder=folder)


def end(running: Running) -> int:
    """It is told to, and does; its exit code."""
    running.process.terminate()
    return running.process.wait(60)


# Under load ---------------------------------------------------------------------------------------------------------


def stay_connected(visitor: Visitor) -> None:
    """Many requests over one connection, as a browser without a proxy has it, until the shop says that it ends."""
    connection = HTTPConnection("127.0.0.1", visitor.shop.port, timeout=30)
    for _time in range(8):
        began = time.monotonic()
        try:
            connection.request("GET", PRODUCTS, headers=visitor.headers)
            came = connection.getresponse()
            status, body = came.status, came.read().decode()
        except (OSError, HTTPException) as error:
            status, body = 0, repr(error)
            connection.close()
        visitor.ledger.answers.append(Answer("kept", began, time.monotonic() - began, status, body))
        time.sleep(PACE_SECONDS)
    connection.close()


def failed(ledger: Ledger) -> list[Answer]:
    """Whatever was refused, and requests without an answer."""
    return [answer for answer in ledger.answers if answer.status == 0 or answer.status >= 400]


def be_beat(visitor: Visitor) -> None:
    """Sends what beat sends most often."""
    send("flush_events")
    time.sleep(PACE_SECONDS * 2)


AT_WORK = {"worker": "ready."} | ({"beat": "beat: Starting"} if LONG else {})
"""What each says then: whatever is told to end before has nothing in hand, and dies."""


class Jobs:
    """A worker and, where there is time for it, beat."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running = {line: self.start(line) for line in AT_WORK}

    def start(self, line: str) -> Running:
        return worker(self.folder) if line == "worker" else Running(line, folder=self.folder)

    def restart(self) -> None:
        """Each ends what it has in hand, and is started again."""
        for line, running in self.running.items():
            running.wait_for(AT_WORK[line])
            assert end(running) == 0
            self.running[line] = self.start(line)

    def close(self) -> None:
        for running in self.running.values():
            running.kill()


@pytest.fixture
def jobs(transactional_db: None, billing: BillingService, tmp_path: Path) -> Iterator[Jobs]:
    """At work soon."""
    empty_queues()
    with closing(Jobs(tmp_path)) as started:
        yield started


def release(webs: Webs, jobs: Jobs) -> None:
    """Each process once anew, web and the others at the same time."""
    with ThreadPoolExecutor(1) as pool:
        restarted = pool.submit(jobs.restart)
        webs.take_turns()
        restarted.result()


def all_is_done(ledger: Ledger) -> bool:
    """Whether nothing is on its way any more."""
    unpaid = Order.objects.filter(pk__in=ledger.paid).exclude(status=Order.Status.SUCCESS)
    flushed: bool = core_redis.client().xlen(STREAM) == 0
    return flushed and queues_are_empty() and not unpaid.exists()


DEEDS = (browse, be_tracked, buy, be_beat, *([stay_connected] if LONG else []))
"""Who stays connected makes a web process wait for two seconds before it ends."""


def test_a_release_under_load_fails_no_request_and_loses_nothing(jobs: Jobs, shop: Shop, webs: Webs) -> None:
    with load(shop, DEEDS) as ledger:
        until(lambda: ledger.orders, "somebody buys")
        before = len(ledger.orders)
        ends = time.monotonic() + SECONDS
        release(webs, jobs)
        while LONG and time.monotonic() < ends:
            release(webs, jobs)
    send("flush_events")  # what came last was perhaps not seen by the one before
    until(lambda: all_is_done(ledger), "all is done", seconds=60)
    log.info("release: %s", told(ledger.answers))
    account = accounts.compare(ledger)
    assert not failed(ledger), told(failed(ledger))
    assert account.kept(), account
    assert account.events
    assert account.orders > before


# In hand ------------------------------------------------------------------------------------------------------------


def answered_while(shop: Shop, deed: Callable[[], None]) -> int:
    """The status of an answer that PostgreSQL keeps waiting while web's processes are told to end, or are killed."""
    visitor = Visitor(shop, Ledger())
    with ThreadPoolExecutor(1) as pool:
        with tables_held(Product) as waiting:
            asked = pool.submit(visitor.call, "products", "GET", "/storefront/products")
            until(waiting, "the request is being answered")
            deed()
        return asked.result().status


def told_to_stop(web: Service) -> None:
    """It is, and it knows."""
    web.terminate()
    until(lambda: "Handling signal: term" in web.said.read_text(), "web is about to end")


def test_requests_are_answered_before_web_ends_and_those_that_come_then_by_the_next(shop: Shop, webs: Webs) -> None:
    assert answered_while(shop, lambda: told_to_stop(webs.serving)) == 200
    assert webs.serving.wait() == 0
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(Visitor(shop, Ledger()).call, "products", "GET", "/storefront/products")
        webs.serving.start()
        assert asked.result().status == 200


def test_control_if_web_is_killed_they_are_not(shop: Shop, webs: Webs) -> None:
    assert answered_while(shop, lambda: kill_workers(webs.serving)) == 0


def kill_workers(web: Service) -> None:
    """`kill -9`. Others take their place."""
    for worker in web.process.children():
        worker.kill()


def with_a_job_in_hand(shop: Shop, folder: Path, how: Callable[[Running], object]) -> None:
    """A worker stores an event when this is done to it, and then it has ended."""
    empty_queues()
    be_tracked(Visitor(shop, Ledger()))
    running = worker(folder)
    running.wait_for("ready.")
    try:
        with tables_held(SessionEvent) as waiting:
            send("flush_events")
            until(waiting, "the job is being done")
            how(running)
        running.process.wait(60)
    finally:
        running.kill()


def told_to_end(running: Running) -> None:
    """It is, and it knows."""
    running.process.terminate()
    running.wait_for("Warm shutdown")


@A_WORKER_MORE
def test_a_job_that_a_worker_has_in_hand_is_done_before_it_ends(shop: Shop, tmp_path: Path) -> None:
    with_a_job_in_hand(shop, tmp_path, told_to_end)
    assert SessionEvent.objects.exists()
    assert queues_are_empty()


@A_WORKER_MORE
def test_control_if_the_worker_is_killed_it_is_not(shop: Shop, tmp_path: Path) -> None:
    with_a_job_in_hand(shop, tmp_path, Running.kill)
    assert not queues_are_empty()
