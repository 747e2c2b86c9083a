"""A small TCP proxy that misbehaves when it is told to, in front of a real server."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
CHUNK = 65536
CLOSED_BY_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset."""


class Fault(Enum):
    """What the proxy does, to connections that are there and to new ones."""

    NONE = "none"
    REFUSE = "refuse"
    """Nobody listens; who was connected is disconnected."""
    HANG = "hang"
    """Connections are taken, and what is said on one is never answered, not even afterwards: its other end is gone."""
    DELAY = "delay"
    """Each answer comes `delay` seconds late."""
    RESET = "reset"
    """Connections are reset, new ones when something is said."""
    CUT = "cut"
    """Half of an answer comes, then a reset."""


class FaultProxy:
    """Listens on a free port of this machine and speaks to a server's unix socket."""

    def __init__(self, server: Path, *, delay: float = 1.0) -> None:
        self.server, self.delay = server, delay
        self.fault = Fault.NONE
        self.links: set[Link] = set()
        self.port = 0
        self.listener: asyncio.Server | None = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="fault-proxy", daemon=True)

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Open for the length of a `with` block."""
        self.thread.start()
        self.run(self.listen())
        try:
            yield self
        finally:
            self.run(self.close())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """With this fault for the length of a `with` block."""
        self.switch(fault)
        try:
            yield
        finally:
            self.switch(Fault.NONE)

    def switch(self, fault: Fault) -> None:
        """Misbehaves like this from now on."""
        self.run(self.become(fault))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Has the proxy's thread do it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def listen(self) -> None:
        """On the same port as before."""
        self.listener = await asyncio.start_server(self.connected, "127.0.0.1", self.port)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def become(self, fault: Fault) -> None:
        self.fault = fault
        if fault in (Fault.REFUSE, Fault.RESET):
            for link in [*self.links]:
                link.reset()
        if fault is Fault.REFUSE and self.listener is not None:
            self.listener.close()
            self.listener = None
        elif self.listener is None:
            await self.listen()

    async def close(self) -> None:
        if self.listener is not None:
            self.listener.close()
        for link in [*self.links]:
            link.reset()
        while self.links:
            await asyncio.sleep(0.01)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody came. A server that is not there is a connection that ends at once."""
        link = Link(self, writer)
        self.links.add(link)
        try:
            with suppress(OSError):
                server_reader, link.server = await asyncio.open_unix_connection(self.server)
                await asyncio.wait(
                    [
                        asyncio.ensure_future(link.pump(reader, link.server, answers=False)),
                        asyncio.ensure_future(link.pump(server_reader, writer, answers=True)),
                    ]
                )
        finally:
            link.end()
            self.links.discard(link)


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, client: asyncio.StreamWriter) -> None:
        self.proxy, self.client = proxy, client
        self.server: asyncio.StreamWriter | None = None
        self.is_gone = False

    async def pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool) -> None:
        """Hands on what comes, as well as the proxy's fault lets it; until one side ends."""
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self.hand_on(data, target, answers=answers)
        self.end()

    async def hand_on(self, data: bytes, target: asyncio.StreamWriter, *, answers: bool) -> None:
        fault = self.proxy.fault
        self.is_gone = self.is_gone or fault is Fault.HANG
        if self.is_gone:
            return
        if fault is Fault.DELAY and answers:
            await asyncio.sleep(self.proxy.delay)
        if fault is Fault.RESET or (fault is Fault.CUT and answers):
            target.write(data[: len(data) // 2] if fault is Fault.CUT else b"")
            await asyncio.sleep(0.01)
            self.reset()
            return
        target.write(data)
        await target.drain()

    def reset(self) -> None:
        """Ends without a farewell."""
        connection: socket.socket = self.client.get_extra_info("socket")
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSED_BY_RESET)
        self.end()

    def end(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()
