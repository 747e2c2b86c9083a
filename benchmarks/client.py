"""A small HTTP client for load, where there is no `wrk`: connections that ask again as soon as they are answered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

from benchmarks.measurement import NotDoneError

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def keep_asking(port: int, requests: Iterator[bytes], *, connections: int, until: float) -> int:
    """Asks until the time `until` (of `time.perf_counter`); returns the number of answers.

    Raises:
        NotDoneError: an answer that is not 2xx or has no Content-Length, or a connection that breaks.
    """
    try:
        counts = await asyncio.gather(*(ask_on_one(port, requests, until=until) for _ in range(connections)))
    except (OSError, asyncio.IncompleteReadError) as error:
        raise NotDoneError(f"a connection broke: {error}") from error
    return sum(counts)


async def ask_on_one(port: int, requests: Iterator[bytes], *, until: float) -> int:
    """One connection's part of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    try:
        while time.perf_counter() < until:
            writer.write(next(requests))
            await read_answer(reader)
            answers += 1
    finally:
        writer.close()
    return answers


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Reads one answer, head and body.

    Raises:
        NotDoneError: it is not 2xx, or does not say how long it is.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    if head[9:10] != b"2" or length is None:
        raise NotDoneError(f"not an answer that counts: {head[:200].decode('latin-1')}")
    return head, await reader.readexactly(int(length[1]))
