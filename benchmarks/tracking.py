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


def track_single() -> Measurement:
    """`POST track` with one page view as `tracker.js` sends it, events accepted a second, against a bare Django view
    that is sent the same and answers JSON. Each round's events are counted in the stream.
    """
    requests = [track_request(session) for session in visitors()]
    with gunicorn("shop") as shop, gunicorn("bare", application="benchmarks.floors.bare") as bare:
        tracked(shop, requests, seconds=WARM_UP)
        load_round(bare, requests, seconds=WARM_UP)
        return alternate(
            lambda: tracked(shop, requests),
            lambda: load_round(bare, requests)[1],
            unit="events/s",
            rounds=ROUNDS,
        )


def track_request(session: SessionState) -> bytes:
    """A page view in mid-visit."""
    event = {
        "eventId": str(new_id()),
        "eventType": "page_view",
        "page": "/shop/products/kettle-0",
        "timestamp": now().isoformat(),
        "title": "Kettle No. 0",
    }
    headers = {"Content-Type": "text/plain;charset=UTF-8", **browser_headers(session)}
    return raw_request("POST", PATH, headers, json.dumps({"events": [event]}).encode())


def tracked(shop: Web, requests: list[bytes], *, seconds: float = SECONDS) -> Sample:
    """A round of which every event is in the stream. The last ones may have been taken but not answered.

    Raises:
        NotDoneError: events are missing.
    """
    empty_stream()
    load, sample = load_round(shop, requests, seconds=seconds)
    kept = stream_length()
    require(load.answers <= kept <= load.answers + CONNECTIONS, f"{load.answers} answers, {kept} events in the stream")
    return sample
