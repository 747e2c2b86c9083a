"""One visitor's connection to the shop: the requests that a browser or a program sends, counted."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from time import perf_counter
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from config.traffic.population import Visitor
from config.traffic.tally import Tally

API = "/api/v1"
TIMEOUT = httpx2.Timeout(30, connect=5)
KEPT_OPEN_SECONDS = 1.0
"""Shorter than web servers keep an idle connection, so that none is used that they are about to close."""


class RefusedError(Exception):
    """The shop answered no. `code` is the API's."""

    def __init__(self, status: int, code: str, details: dict[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.details = status, code, details


class NoAnswerError(Exception):
    """The shop did not answer."""


@dataclass(frozen=True)
class Shop:
    """Where the shop is (`http://localhost:8000`), and how quickly people are there: a pace of 1 is that of life."""

    url: str
    pace: float


class Browser:
    """Sends one visitor's requests and keeps their cookies."""

    def __init__(self, shop: Shop, visitor: Visitor, tally: Tally) -> None:
        self.shop, self.visitor, self.tally = shop, visitor, tally
        self.page = self.came_from = ""
        self.has_cart = False
        self.http = httpx2.AsyncClient(
            headers=identity(visitor),
            timeout=TIMEOUT,
            limits=httpx2.Limits(max_connections=6, keepalive_expiry=KEPT_OPEN_SECONDS),
            verify=tls(),
            trust_env=False,  # the shop is near: a proxy of the environment would only be measured along
        )

    async def __aenter__(self) -> Browser:
        await self.http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.__aexit__(kind, error, trace)

    def go(self, path: str) -> None:
        """The address bar now shows this path."""
        self.came_from = self.shop.url + self.page if self.page else self.visitor.referrer
        self.page = path

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of the API; the `data` of its answer.

        Raises:
            RefusedError: the shop says no.
            NoAnswerError: it says nothing.
        """
        content = None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json"} if content else {}
        answer = await self.send(method, f"{self.shop.url}{API}{path}", content, sent | headers)
        if answer.is_success:
            return body_of(answer).get("data", {})
        raise self.refusal(answer)

    async def track(self, *events: dict[str, Any]) -> None:
        """Sends events as the script does. A shop that does not take them loses no customer."""
        content = json.dumps({"events": events})
        try:
            headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": self.shop.url}
            answer = await self.send("POST", f"{self.shop.url}{API}/analytics/track", content, headers)
        except NoAnswerError:
            return
        if answer.status_code != 202:
            self.refusal(answer)
            return
        rejected = body_of(answer).get("rejected", [])
        for one in rejected:
            self.tally.problem(f"event {one['error']}", one["message"])
        taken = [event for index, event in enumerate(events) if index not in {one["index"] for one in rejected}]
        self.tally.events += len(taken)
        self.tally.page_views += sum(event["eventType"] == "page_view" for event in taken)
        if not self.has_cart and any(event["eventType"] == "add_to_cart" for event in taken):
            self.has_cart = True
            self.tally.carts += 1

    def event(self, event_type: str, **more: Any) -> dict[str, Any]:
        """An event of this page at this moment. Its id is new in each run: the same one would count once for ever."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"eventId": str(uuid4()), "eventType": event_type, "page": self.page, "timestamp": at} | more

    async def view(self, title: str, *, product_id: str = "") -> None:
        """The script tells of the page once it is there, and the page of the product on it."""
        seen = [self.event("page_view", title=title, referrer=self.came_from)]
        if product_id:
            seen.append(self.event("product_view", productId=product_id))
        await self.track(*seen)

    async def read(self, seconds: float, *deeds: tuple[str, dict[str, Any]]) -> None:
        """Looks at the page for so long at the pace of this run; deeds (an event's type, and more) end that.

        The script then sends them, and how long the page was looked at.
        """
        shown = seconds * self.shop.pace
        await asyncio.sleep(shown)
        events = [self.event(event_type, **more) for event_type, more in deeds]
        await self.track(*events, self.event("engagement", metadata={"seconds": max(1, round(shown))}))

    async def press(self, page: str, action: str) -> None:
        """Opens a pay page of this shop's and presses one of its buttons.

        Raises:
            RefusedError: the page does not take it.
            NoAnswerError: it says nothing.
        """
        url = self.shop.url + page
        await self.send("GET", url, None, {})
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self.send("POST", url, f"action={action}", form)
        if answer.status_code >= 400:
            raise self.refusal(answer)

    async def send(self, method: str, url: str, content: str | None, headers: dict[str, str]) -> httpx2.Response:
        """One request, counted. Redirects are answers, too.

        Raises:
            NoAnswerError: nothing came back, or not in time.
        """
        began = perf_counter()
        page = {"Referer": self.shop.url + self.page} if self.page else {}
        try:
            answer = await self.http.request(method, url, content=content, headers=page | headers)
        except httpx2.HTTPError as error:
            reason = f"{type(error).__name__} at {method} {urlsplit(url).path}: {error}"
            self.tally.not_answered(reason)
            raise NoAnswerError(reason) from error
        self.tally.answered(answer.status_code, perf_counter() - began)
        return answer

    def refusal(self, answer: httpx2.Response) -> RefusedError:
        """What the shop said no to, noted."""
        body = body_of(answer)
        code = str(body.get("error") or answer.reason_phrase)
        where = f"{answer.request.method} {answer.request.url.path}"
        said = f"{where}: {body.get('message') or answer.text[:200]}"
        request_id = body.get("requestId")
        self.tally.problem(f"{answer.status_code} {code}", f"{said} (request {request_id})" if request_id else said)
        return RefusedError(answer.status_code, code, body.get("details") or {})


@cache
def tls() -> ssl.SSLContext:
    """Made once: it takes longer than a visitor has to live."""
    return httpx2.create_ssl_context()


def identity(visitor: Visitor) -> dict[str, str]:
    """The headers that are the same in all of a visitor's requests."""
    headers = {"User-Agent": visitor.user_agent, "X-Forwarded-For": visitor.ip}
    if not visitor.is_bot:
        headers["Accept-Language"] = visitor.language
    if visitor.consent == "gpc":
        headers["Sec-GPC"] = "1"
    return headers


def body_of(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON object of an answer; an empty one for anything else."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
