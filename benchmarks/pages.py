"""What knowing the visitor adds to a page."""

from __future__ import annotations

from benchmarks.load import CONNECTIONS, ROUNDS, SECONDS, load_round, raw_request
from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.shop import products
from benchmarks.storefront_requests import browser_headers, empty_stream, stream_length, visitors
from benchmarks.web import Web, gunicorn
from sessions_app.track import script

WARM_UP = 1.0
EVENTS_A_PAGE = 2
"""A page view and a product view."""


def session_overhead() -> Measurement:
    """The product page of the API for a known visit, requests a second, against the same page under the same settings
    with the visit middleware taken out. The views are counted in the stream, and none may come from the floor.
    """
    path = f"/api/v1/storefront/products/{products()[0].slug}"
    requests = [raw_request("GET", path, browser_headers(session)) for session in visitors()]
    floor = gunicorn("without-visits", settings="benchmarks.floors.without_visits")
    with gunicorn("shop") as shop, floor as without:
        viewed(shop, requests, EVENTS_A_PAGE, seconds=WARM_UP)
        viewed(without, requests, 0, seconds=WARM_UP)
        return alternate(
            lambda: shop.evenly(lambda: viewed(shop, requests, EVENTS_A_PAGE)),
            lambda: without.evenly(lambda: viewed(without, requests, 0)),
            unit="requests/s",
            rounds=ROUNDS,
        )


def viewed(web: Web, requests: list[bytes], events: int, *, seconds: float = SECONDS) -> Sample:
    """A round that leaves so many events a page in the stream.

    Raises:
        NotDoneError: it left more or fewer.
    """
    empty_stream()
    load, sample = load_round(web, requests, seconds=seconds)
    kept = stream_length()
    most = (load.answers + CONNECTIONS) * events
    require(load.answers * events <= kept <= most, f"{load.answers} answers, {kept} events in the stream")
    return sample


def page_weight() -> Measurement:
    """Bytes of tracker.js as it goes over the wire, compressed."""
    _text, compressed, _etag = script()
    return Measurement(len(compressed), "bytes")
