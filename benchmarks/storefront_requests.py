"""Requests as the browser of a known visitor sends them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks.shop import BROWSER, visitor
from core import redis as core_redis
from sessions_app.state import STREAM, SessionState
from sessions_app.tokens import SESSION_COOKIE, VISITOR_COOKIE, sign

VISITORS = 64
SETTLING_SECONDS = 0.2


def visitors() -> list[SessionState]:
    """Enough visits that no single one is hot."""
    return [visitor() for _ in range(VISITORS)]


def browser_headers(session: SessionState) -> Mapping[str, str]:
    """What comes with every request of that visitor."""
    cookies = {
        SESSION_COOKIE: sign(session.session_id, purpose="session"),
        VISITOR_COOKIE: sign(session.visitor_id, purpose="visitor"),
    }
    return {
        "User-Agent": BROWSER,
        "Accept": "*/*",
        "Accept-Language": "en-GB,en;q=0.9",
        "Accept-Encoding": "gzip, deflate",
        "Origin": "http://127.0.0.1",
        "Referer": "http://127.0.0.1/shop/products/kettle-0",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }


def stream_length() -> int:
    """Entries that wait for the flusher (none runs here), once no more come: what a client has sent at the end of a
    round and no longer waits for is still answered.
    """
    length, before = -1, None
    while length != before:
        before = length
        time.sleep(SETTLING_SECONDS)
        length = core_redis.client().xlen(STREAM)
    return length


def empty_stream() -> None:
    """Takes them all away, so that memory does not grow from round to round."""
    core_redis.client().delete(STREAM)
