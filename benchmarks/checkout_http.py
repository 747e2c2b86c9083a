"""What a purchase costs over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.billing import stand_in_process
from benchmarks.buying import ADDRESS, LINES, payable_orders
from benchmarks.client import read_answer
from benchmarks.costs import Meter, Used, family_seconds, postgresql
from benchmarks.load import CONNECTIONS, load_round, raw_request
from benchmarks.measurement import Measurement, NotDoneError, Sample, alternate, require
from benchmarks.same_rows import row_counts
from benchmarks.shop import COUPON, price_tables, products, visitor
from benchmarks.storefront_requests import browser_headers
from benchmarks.web import Web, gunicorn
from core.ids import new_id
from sessions_app.state import SessionState

FLOWS_A_ROUND = 240
ROUNDS = 11
"""Many short ones: a machine that others share is half as quick again within seconds."""
STEPS = {"initiate": 201, "calculate-shipping": 200, "calculate-tax": 200, "apply-coupon": 200, "confirm-order": 201}
"""The requests of a flow, and the status that each is answered with."""
API = "/api/v1/checkout"
CHECKOUT_ID = re.compile(rb'"checkoutId": ?"([0-9a-f-]{36})"')
LIMITS = ("GENERAL", "INITIATE", "SHIPPING", "TAX", "COUPON", "CONFIRM")
COUNTED_NEVER_REFUSED = {f"RATE_LIMIT_{name}": "1000000000/minute" for name in LIMITS} | {"RATE_LIMIT_ALLOWLIST": ""}
"""What limits cost belongs to the figure, though one address sends all: they count each request and refuse none."""
ROWS_OF_A_FLOW = {
    "orders_order": 1,
    "orders_orderitem": LINES,
    "orders_paymentattempt": 1,
    "catalog_stockmovement": LINES,
    "checkout_checkoutsession": 1,
    "checkout_couponuse": 1,
    "checkout_idempotencykey": 1,
}


def checkout_http() -> Measurement:
    """Initiate, shipping, tax, coupon and confirm of three lines by 16 clients over HTTP, flows a second, against a
    fifth of what a bare Django view answers a second. Limits are counted but refuse none, and billing answers at once;
    each flow is a visitor's own, and its order must be there.
    """
    price_tables()
    bare_requests = [step_request(step, visitor(), str(new_id())) for step in STEPS]
    with (
        stand_in_process() as billing,
        gunicorn("shop", environment={"BILLING_URL": billing.url, **COUNTED_NEVER_REFUSED}) as shop,
        gunicorn("bare", application="benchmarks.floors.bare", settings="benchmarks.floors.bare_settings") as bare,
    ):
        server = postgresql()
        programs: dict[str, Used] = {
            "web server's": shop.cpu_seconds,
            "PostgreSQL's": lambda: family_seconds(server),
            "the billing stand-in's": lambda: family_seconds(billing.process),
            "the client's own": time.process_time,
        }
        walked(shop, programs)
        asked(bare, bare_requests)  # both have warmed up
        return alternate(
            lambda: shop.evenly(lambda: walked(shop, programs)),
            lambda: bare.evenly(lambda: asked(bare, bare_requests)),
            unit="flows/s",
            rounds=ROUNDS,
        )


def asked(bare: Web, requests: Sequence[bytes]) -> Sample:
    """A round of the floor: answers a second, by five."""
    _load, sample = load_round(bare, requests)
    return Sample(sample.value / len(STEPS), sample.notes)


def walked(shop: Web, programs: Mapping[str, Used]) -> Sample:
    """A round of flows; the visits have begun before.

    Raises:
        NotDoneError: an error, or orders are missing.
    """
    sessions = [visitor() for _ in range(FLOWS_A_ROUND)]
    rows, payable = row_counts(), payable_orders()
    meter, begun = Meter(programs), time.perf_counter()
    asyncio.run(walk_all(shop.port, sessions))
    seconds, notes = time.perf_counter() - begun, meter.notes(FLOWS_A_ROUND, "a flow")
    added = row_counts() - rows
    wanted = {table: count * FLOWS_A_ROUND for table, count in ROWS_OF_A_FLOW.items()}
    found = {table: added[table] for table in wanted}
    require(found == wanted, f"the round added {found}, wanted were {wanted}")
    require(payable_orders() - payable == FLOWS_A_ROUND, "not every order has an open attempt to pay")
    return Sample(FLOWS_A_ROUND / seconds, notes)


async def walk_all(port: int, sessions: Sequence[SessionState]) -> None:
    """All flows, by 16 clients: whichever is free takes the next visitor.

    Raises:
        NotDoneError: an answer that is not the one wanted, or a connection that breaks.
    """
    waiting = iter(sessions)
    try:
        await asyncio.gather(*(walk_each(port, waiting) for _ in range(CONNECTIONS)))
    except (OSError, asyncio.IncompleteReadError) as error:
        raise NotDoneError(f"a connection broke: {error}") from error


async def walk_each(port: int, waiting: Iterator[SessionState]) -> None:
    """A client's part, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for session in waiting:
            await walk(reader, writer, session)
    finally:
        writer.close()


async def walk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: SessionState) -> None:
    """One flow.

    Raises:
        NotDoneError: an answer that is not the one wanted.
    """
    checkout_id = ""
    for step, status in STEPS.items():
        writer.write(step_request(step, session, checkout_id))
        head, body = await read_answer(reader)
        require(head[9:12] == b"%d" % status, f"{step} answers {head[:200]!r}")
        require(b"ratelimit-policy:" in head.lower(), f"no limit has counted {step}")
        checkout_id = checkout_id or checkout_named_in(body)


def checkout_named_in(body: bytes) -> str:
    """The checkout that was opened.

    Raises:
        NotDoneError: none is named.
    """
    found = CHECKOUT_ID.search(body)
    if found is None:
        raise NotDoneError(f"no checkout is named: {body[:200]!r}")
    return found[1].decode()


def step_request(step: str, session: SessionState, checkout_id: str) -> bytes:
    """A request of the flow as that visitor's browser sends it."""
    headers = {"Content-Type": "application/json", **browser_headers(session)}
    if step == "confirm-order":
        headers["Idempotency-Key"] = new_id().hex
    return raw_request("POST", f"{API}/{step}", headers, json.dumps(step_body(step, session, checkout_id)).encode())


def step_body(step: str, session: SessionState, checkout_id: str) -> dict[str, Any]:
    """What it says: three lines, two pieces each, for a customer who is new."""
    buyer = {"email": f"{session.visitor_id.hex}@example.com", "firstName": "Ada", "lastName": "Byron"}
    bodies: dict[str, dict[str, Any]] = {
        "initiate": {"cartItems": [{"productId": str(product.id), "quantity": 2} for product in products()]},
        "calculate-shipping": {"shippingAddress": ADDRESS},
        "calculate-tax": {},
        "apply-coupon": {"code": COUPON},
        "confirm-order": {"shippingAddress": ADDRESS, **buyer},
    }
    return bodies[step] | ({"checkoutId": checkout_id} if checkout_id else {})
