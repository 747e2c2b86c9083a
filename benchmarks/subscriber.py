"""A webhook subscriber that takes everything at once, in a process of its own, and knows how often it heard of what."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psutil

PROCESSES = multiprocessing.get_context("spawn")
ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Subscriber:
    """The process, its address, and the line to it."""

    url: str
    process: psutil.Process
    line: Connection

    def heard(self) -> Counter[str]:
        """How often it heard of each event since it was last asked."""
        self.line.send("heard")
        heard: Counter[str] = self.line.recv()
        return heard


@contextmanager
def subscriber() -> Iterator[Subscriber]:
    """The subscriber on a free port, for the length of a `with` block."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Subscriber(f"http://127.0.0.1:{ours.recv()}/", psutil.Process(process.pid), ours)
    finally:
        process.kill()
        process.join()


def serve(line: Connection) -> None:
    """Says its port, and answers until it is killed."""
    asyncio.run(listen(line))


async def listen(line: Connection) -> None:
    """HTTP as far as it is needed: a head, and a body of the length that it names."""
    heard: Counter[str] = Counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(text.lower().split(": ", 1) for text in head.split("\r\n")[1:-2])
                await reader.readexactly(int(headers["content-length"]))
                heard[headers["webhook-id"]] += 1
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def tell() -> None:
        line.recv()
        line.send(heard)
        heard.clear()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    asyncio.get_running_loop().add_reader(line.fileno(), tell)
    line.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
