"""A billing service that takes its time, in a process of its own: it knows every pay session, and some were paid."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection

from django.test import override_settings

PAID_OF_TEN = 1
"""Those whose number ends in a 0 were paid, the others are open."""
ANSWER_SECONDS = 1.0
PROCESSES = multiprocessing.get_context("spawn")


@contextmanager
def slow_billing(report: Mapping[str, str]) -> Iterator[None]:
    """The service on a free port; the shop asks it for the length of a `with` block. `report`: what it says of each."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=serve, args=(theirs, dict(report)), daemon=True)
    process.start()
    try:
        with override_settings(BILLING_URL=f"http://127.0.0.1:{ours.recv()}"):
            yield
    finally:
        process.kill()
        process.join()


def serve(line: Connection, report: dict[str, str]) -> None:
    """Says its port, and answers until it is killed."""
    asyncio.run(listen(line, report))


async def listen(line: Connection, report: dict[str, str]) -> None:
    """HTTP as far as it is needed: a GET has no body, and its path ends in the id of the pay session."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await head_of(reader):
            checkout_id = head.split(b" ", 2)[1].rsplit(b"/", 1)[-1].decode()
            await asyncio.sleep(ANSWER_SECONDS)
            status = "success" if int(checkout_id.rsplit("-", 1)[1]) % 10 < PAID_OF_TEN else "open"
            content = json.dumps(report | {"checkoutId": checkout_id, "status": status}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    line.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The head of the next request; nothing when the connection has ended."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
