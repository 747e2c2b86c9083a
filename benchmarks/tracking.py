"""What tracking costs."""

from __future__ import annotations

import json

from benchmarks.load import CONNECTIONS, ROUNDS, SECONDS, load_round, raw_request
from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.storefront_requests import browser_headers, empty_stream, stream_length, visitors
from benchmarks.web import Web, gunicorn
from core.clock import now
from core.ids import new_id
from sessions_app.state import SessionState

PATH = "/api/v1/analytics/track"
WARM_UP = 1.0
BATCH = 20
COUNTED_NEVER_REFUSED = {"RATE_LIMIT_TRACK": "1000000000/minute", "RATE_LIMIT_ALLOWLIST": ""}
"""Development spares this machine's own address; a shop counts everybody."""


def track_single() -> Measurement:
    """`POST track` with one page view as `tracker.js` sends it, events accepted a second, against a bare Django view
    that is sent the same and answers JSON. Each round's events are counted in the stream.
    """
    requests = [track_request(session) for session in visitors()]
    with (
        gunicorn("shop", environment=COUNTED_NEVER_REFUSED) as shop,
        gunicorn("bare", application="benchmarks.floors.bare", settings="benchmarks.floors.bare_settings") as bare,
    ):
        tracked(shop, requests, seconds=WARM_UP)
        load_round(bare, requests, seconds=WARM_UP)
        return alternate(
            lambda: shop.evenly(lambda: tracked(shop, requests)),
            lambda: bare.evenly(lambda: load_round(bare, requests)[1]),
            unit="events/s",
            rounds=ROUNDS,
        )


def track_batch() -> Measurement:
    """`POST track` with 20 events, events accepted a second, against the same bare view's requests a second."""
    requests = [track_request(session, events=BATCH) for session in visitors()]
    with (
        gunicorn("shop", environment=COUNTED_NEVER_REFUSED) as shop,
        gunicorn("bare", application="benchmarks.floors.bare", settings="benchmarks.floors.bare_settings") as bare,
    ):
        tracked(shop, requests, events=BATCH, seconds=WARM_UP)
        load_round(bare, requests, seconds=WARM_UP)
        return alternate(
            lambda: shop.evenly(lambda: tracked(shop, requests, events=BATCH)),
            lambda: bare.evenly(lambda: load_round(bare, requests)[1]),
            unit="events/s",
            rounds=ROUNDS,
        )


def track_request(session: SessionState, *, events: int = 1, named: bool = True) -> bytes:
    """Page views in mid-visit. Unless they are `named` the server gives them ids, new ones each time they are sent."""
    sent = [
        ({"eventId": str(new_id())} if named else {})
        | {
            "eventType": "page_view",
            "page": "/shop/products/kettle-0",
            "timestamp": now().isoformat(),
            "title": "Kettle No. 0",
        }
        for _number in range(events)
    ]
    headers = {"Content-Type": "text/plain;charset=UTF-8", **browser_headers(session)}
    return raw_request("POST", PATH, headers, json.dumps({"events": sent}).encode())


def tracked(shop: Web, requests: list[bytes], *, events: int = 1, seconds: float = SECONDS) -> Sample:
    """A round of which every event is in the stream. The last ones may have been taken but not answered.

    Raises:
        NotDoneError: events are missing.
    """
    empty_stream()
    load, sample = load_round(shop, requests, seconds=seconds)
    kept, answered = stream_length(), load.answers * events
    require(answered <= kept <= answered + CONNECTIONS * events, f"{answered} accepted, {kept} events in the stream")
    return Sample(sample.value * events, sample.notes)
