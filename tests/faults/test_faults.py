"""Redis and PostgreSQL fail in every way under a load of visitors: what was promised to them is kept, and nobody has
to start anything of ours again.

What visitors are promised: an event that was answered 202 is stored, once; an order that was answered 2xx is there,
with its total, once for each idempotency key, and paid if it was paid.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from unittest import mock
from uuid import UUID, uuid4

import pytest
from django.db import connection
from kombu import Connection

from config.celery import app
from config.run import procfile
from core import redis as core_redis
from sessions_app.ingest import TURN
from sessions_app.models import SessionEvent
from sessions_app.state import STREAM
from tests.faults import accounts
from tests.faults.accounts import with_patience
from tests.faults.load import USUAL, Answer, Ledger, Visitor, be_tracked, buy_unheard, fill_in, load, p95, told
from tests.faults.proxy import Fault
from tests.faults.servers import redis_at
from tests.faults.shop import START_SECONDS, Process, RunningShop, Servers, running
from tests.promises.gates import tables_held
from tests.promises.processes import LONG, SECONDS, until

log = logging.getLogger(__name__)
OUTAGE_SECONDS = min(60, SECONDS) if LONG else 3
P95_SECONDS = 0.5 if LONG else 2.0
"""The promise is half a second; beside other tests on a busy machine everything takes longer."""
SLOW_SECONDS, SLOW_P95_SECONDS = 0.12, 1.0
"""A call that takes so long is waited for (`REDIS_TIMEOUT_SECONDS`), and a request makes several."""
NOBODY_WAITS_SECONDS = 5.0 if LONG else 8.0
"""The promise is 5; the rest is for a busy machine."""
PAUSE_SECONDS = core_redis.PAUSE_SECONDS + 1
"""After that each process has found Redis again."""
BACK_SECONDS = 10 if LONG else 20
A_WORKER_MORE = pytest.mark.skipif(not LONG, reason="it takes its time to start and to wait: make promises")
AT_REDIS = [Fault.REFUSE, Fault.HANG, *([Fault.DELAY, Fault.RESET, Fault.CUT] if LONG else [])]
PROBES = ("/api/v1/health", "/readyz", "/livez")
AT_POSTGRESQL = ["restart", "hang", *(["crash", "reset", "cut"] if LONG else [])]


Careless = Callable[[str], RunningShop]


@contextmanager
def outage(
    shop: RunningShop, fault: AbstractContextManager[None], seconds: float, *, sold: bool = False
) -> Iterator[tuple[Ledger, float, float]]:
    """Load before, during and after a fault. Answers the ledger, and when the fault began and ended: not before
    somebody was `sold` something, if that is said. What an earlier outage left has been noticed by each process and is
    over when this one begins.
    """
    with load(shop.shop) as ledger:
        time.sleep(PAUSE_SECONDS)
        began = time.monotonic()
        with fault:
            ledger.probes = [shop.visitor().ask("probe", "GET", path) for path in PROBES]
            time.sleep(max(0, began + seconds - time.monotonic()))
            if sold:
                until(lambda: bought(ledger.between(began, time.monotonic())), "somebody buys meanwhile")
        ended = time.monotonic()
        wait_for_the_jobs(shop, ended)
        wait_for_shoppers(ledger, ended)
        yield ledger, began, ended


def wait_for_shoppers(ledger: Ledger, since: float) -> None:
    """Returns once all has gone well for a second."""
    while failed(ledger.between(max(since, time.monotonic() - 1), time.monotonic())) or time.monotonic() < since + 1:
        assert time.monotonic() < since + BACK_SECONDS, told(ledger.between(since, time.monotonic()))
        time.sleep(0.1)


def wait_for_the_jobs(shop: RunningShop, since: float, *, within: float = BACK_SECONDS) -> None:
    """Returns once an event goes the usual way again: over the stream, by the flusher, into PostgreSQL. `within` is in
    seconds.
    """
    visitor = shop.visitor()
    while time.monotonic() < since + within:
        event_id = uuid4()
        event = {"eventId": str(event_id), "eventType": "page_view", "page": "/back"}
        answer = visitor.call("track", "POST", "/analytics/track", {"events": [event]})
        if answer.status == 202 and in_stream(shop, event_id):
            until(SessionEvent.objects.filter(event_id=event_id).exists, "it is flushed", seconds=within)
            break
        time.sleep(0.2)
    took = time.monotonic() - since
    assert took < within, f"the jobs went on after {took:.1f} s"


def in_stream(shop: RunningShop, event_id: UUID) -> bool:
    """Whether an event waits there."""
    with redis_at(shop.servers.redis) as client:
        return any(event_id.hex in str(fields) for _id, fields in client.xrange(STREAM))


def failed(answers: list[Answer]) -> list[Answer]:
    """Those that say that something went wrong on our side, and requests without an answer."""
    return [answer for answer in answers if answer.status == 0 or answer.status >= 500]


def refused(answers: list[Answer]) -> list[Answer]:
    """The same, and those that say that a shopper did something wrong: ours do not."""
    return [answer for answer in answers if answer.status == 0 or answer.status >= 400]


def bought(answers: list[Answer]) -> list[Answer]:
    """Orders that were placed."""
    return [answer for answer in answers if answer.kind == "confirm" and answer.status == 201]


def slowest(answers: list[Answer]) -> float:
    """Seconds."""
    return max(answer.seconds for answer in answers)


def all_is_kept(shop: RunningShop, ledger: Ledger, *, payments: bool = True) -> None:
    """Promised is kept, and nothing of ours died."""
    account = accounts.close(shop, ledger, payments=payments)
    log.info("kept: %s events, %s orders", account.events, account.orders)
    assert account.events
    assert account.orders
    assert account.kept(), account
    assert shop.dead() == []


# Redis --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", AT_REDIS, ids=lambda fault: fault.value)
def test_without_redis_the_shop_serves_on_and_keeps_its_promises(shop: RunningShop, fault: Fault) -> None:
    with outage(shop, shop.servers.to_redis.broken(fault), OUTAGE_SECONDS, sold=True) as (ledger, began, ended):
        answers = ledger.between(began, ended)
    log.info("redis %s: %s", fault.value, told(answers))
    assert not refused(ledger.answers), told(refused(ledger.answers))
    assert bought(answers)
    assert p95(answers) <= P95_SECONDS, told(answers)
    assert p95(ledger.between(ended, time.monotonic())) <= P95_SECONDS
    assert [probe.status for probe in ledger.probes] == [200, 200, 200]
    assert ledger.probes[0].body["status"] == "degraded"
    assert slowest(ledger.probes) <= NOBODY_WAITS_SECONDS, told(ledger.probes)
    all_is_kept(shop, ledger)


@pytest.mark.skipif(not LONG, reason="as long as an outage: make promises")
def test_with_a_redis_that_is_slow_but_answers_shoppers_wait_for_a_second_at_most(shop: RunningShop) -> None:
    """It is asked each time: a call takes less than what is waited for."""
    to_redis = shop.servers.to_redis
    with (
        mock.patch.object(to_redis, "delay", SLOW_SECONDS),
        outage(shop, to_redis.broken(Fault.DELAY), OUTAGE_SECONDS, sold=True) as (ledger, began, ended),
    ):
        answers = ledger.between(began, ended)
    log.info("redis slow: %s", told(answers))
    assert not refused(ledger.answers), told(refused(ledger.answers))
    assert p95(answers) <= SLOW_P95_SECONDS, told(answers)
    assert p95(ledger.between(ended, time.monotonic())) <= P95_SECONDS
    all_is_kept(shop, ledger)


def test_control_without_timeouts_and_breaker_they_wait(careless: Careless) -> None:
    shop = careless("wait_for_redis")
    with load(shop.shop) as ledger, shop.servers.to_redis.broken(Fault.HANG):
        time.sleep(OUTAGE_SECONDS)
    assert p95(ledger.answers) > P95_SECONDS, told(ledger.answers)


def clears_while_redis_is_away(shop: RunningShop) -> tuple[str, set[str]]:
    """Somebody ends their visit during an outage of which hardly anybody hears, and shows its token afterwards to
    each of the web's processes. The visit before, and those that are answered then.
    """
    until(shop.is_ready, "PostgreSQL is there for it")
    visitor = shop.visitor()
    before = visit_of(visitor)
    token = visitor.token
    visitor.call("consent", "PUT", "/storefront/session/consent", {"analytics": True})  # now PostgreSQL has it, too
    with shop.servers.to_redis.broken(Fault.REFUSE):
        assert visitor.call("clear", "POST", "/storefront/session/clear", {}).status == 200
    time.sleep(PAUSE_SECONDS)
    afterwards = set()
    for _time in range(4):
        visitor.token = token
        afterwards.add(visit_of(visitor))
    return before, afterwards


def visit_of(visitor: Visitor) -> str:
    """The id of a visitor's visit, as the shop says it."""
    return str(visitor.call("visit", "GET", "/storefront/session/current").body["data"]["session"]["sessionId"])


def test_a_visit_that_was_cleared_meanwhile_stays_cleared(shop: RunningShop) -> None:
    before, afterwards = clears_while_redis_is_away(shop)
    assert before not in afterwards


def test_control_without_the_epoch_the_old_copy_is_believed(careless: Careless) -> None:
    before, afterwards = clears_while_redis_is_away(careless("believe_old_visits"))
    assert afterwards == {before}


def cancels_while_redis_is_away(shop: RunningShop) -> str:
    """The status of an order as it is read after an outage in which it was cancelled; Redis held it from before."""
    buyer = fill_in(shop.shop, Ledger())
    assert buyer is not None
    path = f"/orders/{buyer.confirm().body['data']['order']['orderId']}"

    def status() -> str:
        return str(buyer.shopper.call("order", "GET", path).body["data"]["status"])

    assert status() == "pending"
    with shop.servers.to_redis.broken(Fault.REFUSE):
        assert buyer.shopper.call("cancel", "POST", f"{path}/cancel").status == 200
    time.sleep(PAUSE_SECONDS)
    return status()


def test_an_order_that_changed_meanwhile_is_read_as_it_is(shop: RunningShop) -> None:
    assert cancels_while_redis_is_away(shop) == "cancelled"


def test_control_without_its_version_the_old_copy_is_believed(careless: Careless) -> None:
    assert cancels_while_redis_is_away(careless("believe_old_orders")) == "pending"


# PostgreSQL ---------------------------------------------------------------------------------------------------------


@contextmanager
def restarted(servers: Servers, how: signal.Signals) -> Iterator[None]:
    """PostgreSQL stops, and is started again when the `with` block ends."""
    connection.close()  # the test's own
    servers.postgres.stop(how)
    yield
    servers.postgres.start()


def at_postgresql(shop: RunningShop, fault: str) -> AbstractContextManager[None]:
    """What a name of a fault says."""
    servers = shop.servers
    faults: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "restart": lambda: restarted(servers, signal.SIGINT),
        "crash": lambda: restarted(servers, signal.SIGQUIT),
        "hang": lambda: servers.to_postgres.broken(Fault.HANG),
        "reset": lambda: servers.to_postgres.broken(Fault.RESET),
        "cut": lambda: servers.to_postgres.broken(Fault.CUT),
    }
    return faults[fault]()


@pytest.mark.parametrize("fault", AT_POSTGRESQL)
def test_without_postgresql_shoppers_hear_so_at_once_and_are_served_again(shop: RunningShop, fault: str) -> None:
    seconds = max(OUTAGE_SECONDS, 6) if fault == "hang" else OUTAGE_SECONDS
    with outage(shop, at_postgresql(shop, fault), seconds) as (ledger, began, ended):
        answers = ledger.between(began, ended)
    log.info("postgresql %s: %s", fault, told(ledger.answers))
    assert failed(answers)
    for answer in failed(ledger.answers):
        assert answer.status == 503, answer
        assert (answer.body["success"], answer.body["error"]) == (False, "NOT_READY")
    assert slowest([*ledger.answers, *ledger.probes]) <= NOBODY_WAITS_SECONDS, told(ledger.answers)
    assert [probe.status for probe in ledger.probes] == [503, 503, 200]
    tracked = {answer.status for answer in ledger.answers if answer.kind == "track"}
    assert tracked == {202} if LONG else tracked - {503} == {202}  # busy, Redis may be taken for away at the same time
    # A poll that hung gives up after more than a minute: there is time for that in `make promises` alone.
    all_is_kept(shop, ledger, payments=LONG or fault != "hang")


def test_control_without_patience_shoppers_hang(careless: Careless) -> None:
    shop = careless("wait_for_postgresql")
    visitor = shop.visitor()
    with shop.servers.to_postgres.broken(Fault.HANG):
        answer = visitor.call("products", "GET", "/storefront/products", patience=NOBODY_WAITS_SECONDS)
    assert answer.status == 0


def after_a_restart(shop: RunningShop) -> set[int]:
    """What the first shoppers after a restart of PostgreSQL, of which nobody had heard, are answered."""
    until(shop.is_ready, "PostgreSQL is there for it")
    visitor = shop.visitor()
    looks = [visitor.call("products", "GET", "/storefront/products").status for _time in range(4)]
    assert set(looks) == {200}  # each process has a connection now
    with restarted(shop.servers, signal.SIGINT):
        pass
    return {visitor.call("products", "GET", "/storefront/products").status for _time in range(4)}


def test_a_restart_between_two_requests_is_not_noticed(shop: RunningShop) -> None:
    assert after_a_restart(shop) == {200}


def test_control_without_a_look_at_pooled_connections_it_is(careless: Careless) -> None:
    shop = careless("trust_connections")
    assert any(503 in after_a_restart(shop) for _time in range(3))


# Deaths -------------------------------------------------------------------------------------------------------------


def test_events_and_orders_outlive_kill_9_of_web_workers_and_redis(shop: RunningShop) -> None:
    """Stored is what was accepted, exactly once, when processes die. A machine that loses its power may lose the last
    second of events: Redis writes them to the disk once a second. Orders are on PostgreSQL's disk before they are
    answered. What a worker had in hand another does, within two minutes: payments of which no webhook tells, too.
    """
    web, flusher = shop.processes["web"], shop.processes["ingest"]
    deaths: list[Callable[[], None]] = [
        lambda: web.kill(children=True),
        lambda: kill_redis(shop),
        lambda: restart(flusher),
    ]
    if LONG:
        deaths += [lambda: flusher.kill(children=True), lambda: restart(web)]
        deaths += [partial(restart, shop.processes[name]) for name in WORKERS]
        deaths += [partial(shop.processes[name].kill, children=True) for name in WORKERS]
    with load(shop.shop, (*USUAL, buy_unheard)) as ledger:
        for _time in range(max(1, OUTAGE_SECONDS // 20)):
            for die in deaths:
                until(shop.is_ready, "web is back", seconds=START_SECONDS)
                time.sleep(2 if LONG else 0.7)
                die()
                let_the_turn_end(shop)
        until(shop.is_ready, "web is back", seconds=START_SECONDS)
        wait_for_the_jobs(shop, time.monotonic(), within=START_SECONDS)  # the flusher has just been started
    log.info("deaths: %s", told(ledger.answers))
    all_is_kept(shop, ledger)


WORKERS = ("payments", "closing", "events", "background")


def kill_redis(shop: RunningShop) -> None:
    """And starts it on what it wrote down."""
    shop.servers.redis.kill()
    shop.servers.redis.start()


def restart(process: Process) -> None:
    """`kill -9`, and again, as whoever keeps processes alive does."""
    process.kill()
    process.start()


def let_the_turn_end(shop: RunningShop) -> None:
    """As if the lease of a flusher that died were over."""
    with redis_at(shop.servers.redis, shop.database) as client:
        client.delete(TURN)


@contextmanager
def careless_worker(shop: RunningShop, how: str) -> Iterator[Process]:
    """A worker without the protection that is named."""
    line = procfile()["ingest"].replace("config.celery", "tests.faults.careless_worker")
    with running(shop.servers, {"worker": line}, database=shop.database, CARELESS=how) as processes:
        yield processes["worker"]


def flush_soon(shop: RunningShop, database: int) -> None:
    """Tells a worker to, as beat would."""
    with Connection(f"redis+socket://{shop.servers.redis.socket}?virtual_host={database}") as broker:
        app.send_task("sessions_app.tasks.flush_events", queue="ingest", connection=broker)


@A_WORKER_MORE
def test_control_a_flusher_that_acknowledges_first_loses_what_it_held(careless: Careless) -> None:
    shop = careless("nothing")
    visitor = shop.visitor()
    be_tracked(visitor)
    with careless_worker(shop, "acknowledge_first") as worker, redis_at(shop.servers.redis, 1) as client:
        assert accounts.compare(visitor.ledger).lost_events, "they are in the stream alone"
        flush_soon(shop, shop.database)
        until(lambda: not client.xlen(STREAM), "the events are taken")
        worker.kill()
    assert accounts.compare(visitor.ledger).lost_events == visitor.ledger.events


def lose_redis_with_work_in_hand(shop: RunningShop, worker: Process) -> None:
    """A flusher waits for PostgreSQL, and its worker loses the connection to its broker."""
    with tables_held(SessionEvent) as waiting:
        be_tracked(shop.visitor())  # not before: beat's own flush would have stored it by now
        flush_soon(shop, shop.database)
        until(waiting, "the flusher waits")
        with shop.servers.to_redis.broken(Fault.REFUSE):
            time.sleep(PAUSE_SECONDS)
    with_patience(worker.ended, PAUSE_SECONDS)


def test_a_worker_with_work_in_hand_outlives_a_lost_connection(shop: RunningShop) -> None:
    lose_redis_with_work_in_hand(shop, shop.processes["ingest"])
    assert shop.dead() == []
    wait_for_the_jobs(shop, time.monotonic())


@A_WORKER_MORE
def test_control_a_worker_that_waits_for_ever_needs_a_restart(careless: Careless) -> None:
    shop = careless("nothing")
    visitor = shop.visitor()
    let_the_turn_end(shop)
    with careless_worker(shop, "wait_for_ever"):
        be_tracked(visitor)
        flush_soon(shop, shop.database)
        until(lambda: not accounts.compare(visitor.ledger).lost_events, "the worker works")
        with shop.servers.to_redis.broken(Fault.HANG):
            time.sleep(PAUSE_SECONDS)
        time.sleep(PAUSE_SECONDS)
        be_tracked(visitor)
        flush_soon(shop, shop.database)
        time.sleep(BACK_SECONDS * 2)
    assert accounts.compare(visitor.ledger).lost_events
