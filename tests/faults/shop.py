"""The whole shop behind two fault proxies: web, workers and beat as the Procfile starts them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

from benchmarks.web import free_port
from config import embedded
from config.embedded import PROJECT
from config.run import procfile
from config.schedule import SCHEDULE
from tests import logs
from tests.billing_server import BillingService
from tests.faults.load import USUAL, Ledger, Shop, Visitor
from tests.faults.proxy import FaultProxy
from tests.faults.servers import NAME, PostgresServer
from tests.promises.processes import LONG, is_at_work, until
from tests.redis_server import RedisServer
from tests.world import World

OTHER_QUEUES = ",".join(sorted({job.queue for job in SCHEDULE} - {"ingest"}))
WORKER = procfile()["ingest"].replace("--queues ingest", f"--queues {OTHER_QUEUES}")
"""One for all queues but the flusher's takes less time to start than one for each."""
START_SECONDS = 120
"""On a machine that runs the other tests at the same time."""
CARELESS_WEB = procfile()["web"].replace("config.wsgi", "tests.faults.careless_web")
LINES = procfile() if LONG else {name: procfile()[name] for name in ("web", "ingest", "beat")} | {"worker": WORKER}


@dataclass
class Servers:
    """The real ones, and the proxies in front of them."""

    postgres: PostgresServer
    redis: RedisServer
    to_postgres: FaultProxy
    to_redis: FaultProxy
    billing: BillingService
    folder: Path

    def environment(self, database: int) -> dict[str, str]:
        """What the processes of a shop see that has this database of Redis. Nobody is exempt from limits, so that they
        are counted.
        """
        redis = f"redis://127.0.0.1:{self.to_redis.port}/{database}"
        return os.environ | {
            "DATABASE_URL": f"postgres://footfall@127.0.0.1:{self.to_postgres.port}/{NAME}",
            "REDIS_URL": redis,
            "CELERY_BROKER_URL": redis,
            "BILLING_URL": self.billing.url,
            "RATE_LIMIT_ALLOWLIST": "192.0.2.0/24",
            "RATE_LIMIT_GENERAL": "100000/minute",
            "TRUSTED_PROXY_COUNT": "1",
            "PYTHONUNBUFFERED": "1",
            embedded.MARK: str(embedded.home()),
        }


@dataclass
class Process:
    """A line of the Procfile, running; started again when it dies only if somebody says so."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        with open(self.log, "ab") as output:
            self.running = subprocess.Popen(
                self.command,
                cwd=PROJECT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def ended(self) -> bool:
        """Whether it is no more."""
        return self.running is not None and self.running.poll() is not None

    def children(self) -> list[psutil.Process]:
        return [] if self.ended() else psutil.Process(self.pid).children(recursive=True)

    def kill(self, *, children: bool = False) -> None:
        """`kill -9` of all its processes, or of its children alone. With the last its words are searched."""
        found = self.children()
        if not children and self.running is not None:
            self.running.kill()
            self.running.wait(30)
        for child in found:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        until(lambda: not any(is_at_work(child) for child in found), "the killed are dead")
        if not children:
            logs.search(self.log)


@dataclass
class RunningShop:
    """The shop's processes and where visitors find it."""

    servers: Servers
    shop: Shop
    processes: dict[str, Process]
    database: int
    """Its number in Redis."""

    def visitor(self) -> Visitor:
        """Somebody whom the load does not count."""
        return Visitor(self.shop, Ledger())

    def is_ready(self) -> bool:
        """Whether it serves."""
        return self.visitor().ask("ready", "GET", "/readyz").status == 200

    def dead(self) -> list[str]:
        """Processes that ended."""
        return [name for name, process in self.processes.items() if process.ended()]


def command_of(line: str, port: int) -> list[str]:
    """A line of the Procfile as a command."""
    words = line.replace("0.0.0.0:$PORT", f"127.0.0.1:{port}").replace("@%h", f"-{port}@faults")
    return [sys.executable, "-m", *shlex.split(words)]


@contextmanager
def running(
    servers: Servers, lines: Mapping[str, str], *, port: int = 0, database: int = 0, **more: str
) -> Iterator[dict[str, Process]]:
    """These lines of the Procfile, for the length of a `with` block, with `more` in their environment and a database
    of Redis.
    """
    with ExitStack() as stack:
        processes = {}
        for name, line in lines.items():
            log = servers.folder / f"{name}-{port}-{database}.log"
            processes[name] = Process(name, command_of(line, port), servers.environment(database) | more, log)
            processes[name].start()
            stack.callback(processes[name].kill)
        yield processes


@contextmanager
def running_shop(
    servers: Servers,
    world: World,
    lines: Mapping[str, str] = MappingProxyType(LINES),
    *,
    database: int = 0,
    first: Sequence[Callable[[Visitor], None]] = USUAL * 2,
    **more: str,
) -> Iterator[RunningShop]:
    """A shop, for the length of a `with` block. Whatever is loaded by the first request of a kind is loaded: by whoever
    does what is to be done `first`.
    """
    port = free_port()
    with running(servers, lines, port=port, database=database, **more) as processes:
        shop = RunningShop(servers, Shop(port, world, servers.billing), processes, database)
        until(shop.is_ready, "the shop is ready", seconds=START_SECONDS)
        for deed in first:
            deed(shop.visitor())
        yield shop
