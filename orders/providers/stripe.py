"""Stripe: Checkout Sessions by its own library, over the shop's own connections.

Its objects and errors stay in here. Amounts are in its units, which are not always the currency's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import httpx2
import stripe
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import clock
from core.errors import InvalidInputError
from core.money import money_string
from orders.providers import calls
from orders.providers.contract import (
    NOT_AS_AGREED,
    AlreadyPaidError,
    KeyRefusedError,
    PaySession,
    PollError,
    RefundRefusedError,
    Report,
    SignedWebhook,
    Told,
    UnsignedWebhookError,
    checked_checkout_id,
)
from orders.providers.stripe_reports import AMOUNT, Data, in_units, report_of

T = TypeVar("T")
SETTINGS = ("STRIPE_SECRET_KEY",)
AFTER_WINDOW = timedelta(minutes=31)
"""A session lives so long beyond the window: Stripe takes none that ends within 30 minutes, and its clock is another.
Counted from the window's end, so that the same opening is the same request; expiry ends it when the window does."""
LONGEST = timedelta(hours=24) - timedelta(minutes=1)
ORDER, REFUND = "footfall_order", "footfall_refund"
"""With `AMOUNT` what we write on Stripe's objects, to know ours again."""
EVENTS = tuple(
    f"checkout.session.{what}" for what in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
)
WITH_PAYMENT: Any = {"expand": ["payment_intent"]}
MADE = ("succeeded", "pending", "requires_action")
TOLERANCE_SECONDS = 300
SENT_AT = re.compile(r"(?:^|,)t=(\d{1,12})(?:,|$)")
EVENT_ID = re.compile(r"[!-~]{1,100}")

stripe.enable_telemetry = False  # how long our calls took, and on what machine, is not Stripe's business


class Connections(stripe.HTTPClient):
    """The library's calls over our connections: the process's, or those of a round of many at once."""

    name = "httpx2"

    def __init__(self, session: httpx2.AsyncClient | None = None) -> None:
        super().__init__()
        self.session = session

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: Any = None
    ) -> Any:
        answer = calls.client().request(method, url, headers=dict(headers or {}), content=post_data)
        return answer.content, answer.status_code, answer.headers

    async def request_async(self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None) -> Any:
        if self.session is None:
            raise TypeError("no connections for many calls at once")
        answer = await self.session.request(method, url, headers=dict(headers), content=post_data)
        return answer.content, answer.status_code, answer.headers


def service(session: httpx2.AsyncClient | None = None) -> stripe.StripeClient:
    """Stripe's library with our key. It tries nothing again: whoever calls knows when."""
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=Connections(session),
        max_network_retries=0,
        base_addresses={"api": settings.STRIPE_API_BASE},
    )


def open_pay_session(
    *,
    reference: str,
    amount: Decimal,
    currency: str,
    description: str,
    return_url: str,
    expires_at: datetime,
    key: str,
) -> PaySession:
    """Opens a Checkout Session. The same `key` opens the same one, however often this is called.

    Raises:
        BillingUnavailableError: no answer, or not the one agreed.
    """
    ours = {ORDER: reference, AMOUNT: money_string(amount, currency)}
    ends = min(expires_at + AFTER_WINDOW, clock.now() + LONGEST)

    def work(client: stripe.StripeClient) -> PaySession:
        priced = {
            "currency": currency.lower(),
            "unit_amount": in_units(amount, currency),
            "product_data": {"name": description},
        }
        return created(
            client,
            {
                "mode": "payment",
                "client_reference_id": reference,
                "line_items": [{"quantity": 1, "price_data": priced}],
                "success_url": return_url,
                "cancel_url": return_url,
                "expires_at": int(ends.timestamp()),
                "metadata": ours,
                "payment_intent_data": {"description": description, "metadata": ours},
                "adaptive_pricing": {"enabled": False},  # what is due is due in the order's currency
            },
            key,
        )

    return sent(work)


def created(client: stripe.StripeClient, body: Any, key: str) -> PaySession:
    """Opens it. Stripe refuses a key with another body, so the body is in the key; and it keeps its first answer to a
    key for a day, even that it failed: then another key is used.
    """
    whole_key = f"{key}-{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]}"
    try:
        session = client.v1.checkout.sessions.create(body, {"idempotency_key": whole_key})
    except stripe.StripeError as error:
        if (error.http_status or 0) < 500 or (error.headers or {}).get("idempotent-replayed") != "true":
            raise
        session = client.v1.checkout.sessions.create(body, {"idempotency_key": f"{whole_key}-again"})
    data = session.to_dict()
    opened = PaySession(data["id"], data["client_reference_id"], data["url"])
    if not all(isinstance(text, str) and text and "\0" not in text for text in astuple(opened)):
        raise ValueError(opened)
    if not opened.pay_url.startswith(("https://", "http://")):
        raise ValueError(opened.pay_url)
    return opened


def cancel_pay_session(checkout_id: str) -> None:
    """Expires a session, so that nobody pays there any more.

    Raises:
        AlreadyPaidError: it was paid.
        BillingUnavailableError: no answer, or not the one agreed.
    """

    def work(client: stripe.StripeClient) -> None:
        sessions = client.v1.checkout.sessions
        try:
            found = sessions.expire(checkout_id)
        except stripe.InvalidRequestError as error:
            if is_unknown(error):
                return
            found = sessions.retrieve(checkout_id, WITH_PAYMENT)
        read_cancelled(found.to_dict())

    sent(work, seconds=calls.WITHDRAW_SECONDS)


def refund(*, checkout_id: str, amount: Decimal, currency: str, key: str) -> None:
    """Gives money back. Once for a `key`, which Stripe knows for a day and we find on the refund ever after.

    Raises:
        RefundRefusedError: Stripe takes the request for a wrong one, or its refund failed.
        BillingUnavailableError: no answer, or not the one agreed.
    """

    def work(client: stripe.StripeClient) -> None:
        payment = client.v1.checkout.sessions.retrieve(checkout_id).to_dict()["payment_intent"]
        if not isinstance(payment, str):
            raise ValueError(payment)
        made = client.v1.refunds.list({"payment_intent": payment, "limit": 100}).to_dict()["data"]
        if any(each["metadata"].get(REFUND) == key and each["status"] in MADE for each in made):
            return
        body: Any = {"payment_intent": payment, "amount": in_units(amount, currency), "metadata": {REFUND: key}}
        try:
            status = client.v1.refunds.create(body, {"idempotency_key": key}).to_dict()["status"]
        except stripe.InvalidRequestError as error:
            raise RefundRefusedError(str(meaning(error))) from error
        if status not in MADE:
            raise RefundRefusedError(f"the refund is {status}"[:300])

    sent(work)


def sent(work: Callable[[stripe.StripeClient], T], *, seconds: float | None = None) -> T:
    """What comes of calls that somebody waits for.

    Raises:
        BillingUnavailableError: no answer, or not the one agreed.
    """

    def call() -> T:
        with as_ours():
            return work(service())

    try:
        return calls.in_time(call, seconds=seconds)
    except PollError as error:
        raise calls.useless(error.kind, f"stripe: {error}") from error


async def ask(session: httpx2.AsyncClient, checkout_id: str) -> Report:
    """Asks about one session.

    Raises:
        PollError: no answer in time, or not the one agreed.
    """
    async with answered():
        try:
            found = await service(session).v1.checkout.sessions.retrieve_async(checkout_id, WITH_PAYMENT)
        except stripe.InvalidRequestError as error:
            if is_unknown(error):
                return Report("unknown")
            raise
        data: Data = found.to_dict()
        if data["id"] != checkout_id:
            raise ValueError(data["id"])
        return report_of(data)


async def cancel(session: httpx2.AsyncClient, checkout_id: str) -> None:
    """Expires one of many sessions. One that Stripe does not know cannot be paid either.

    Raises:
        AlreadyPaidError: it was paid.
        PollError: no answer in time, or not the one agreed; or a payment is under way that ends later.
    """
    async with answered():
        sessions = service(session).v1.checkout.sessions
        try:
            found = await sessions.expire_async(checkout_id)
        except stripe.InvalidRequestError as error:
            if is_unknown(error):
                return
            found = await sessions.retrieve_async(checkout_id, WITH_PAYMENT)
        read_cancelled(found.to_dict())


@asynccontextmanager
async def answered() -> AsyncIterator[None]:
    """A call of many ends in its time, and fails as the contract says.

    Raises:
        PollError
    """
    try:
        with as_ours():
            async with asyncio.timeout(calls.LONGEST_SECONDS):
                yield
    except (httpx2.HTTPError, TimeoutError) as error:
        raise calls.silence(error) from error


@contextmanager
def as_ours() -> Iterator[None]:
    """Stripe's errors become the contract's.

    Raises:
        KeyRefusedError, PollError
    """
    try:
        yield
    except stripe.StripeError as error:
        raise meaning(error) from error
    except (*NOT_AS_AGREED, AttributeError) as error:  # the library's own surprise at an answer is one of these
        raise PollError(f"not the answer agreed: {error!r}"[:300], "not_as_agreed") from error


def meaning(error: stripe.StripeError) -> PollError:
    """What an error of Stripe's is to us. 409: the same request is being answered still; 429: too many."""
    status = error.http_status or 0
    text = f"HTTP {status}: {error.code or type(error).__name__}: {error.user_message}"[:300]
    if status in (401, 403):
        return KeyRefusedError(text, "key_refused")
    return PollError(text, "server_error" if status >= 500 or status in (409, 429) else "not_as_agreed")


def is_unknown(error: stripe.InvalidRequestError) -> bool:
    """Whether Stripe says that it knows no such session."""
    return error.http_status == 404 and error.code == "resource_missing"


def read_cancelled(data: Data) -> None:
    """Whether nobody can pay in a session any more.

    Raises:
        AlreadyPaidError: somebody did.
        PollError: a payment is under way, such as a bank transfer; or it is open still.
    """
    status = report_of(data).status
    if status == "success":
        raise AlreadyPaidError(data["id"])
    if status == "open":
        raise PollError("not cancelled: it is open, or its payment is under way", "under_way")


def verify(*, body: bytes, headers: Mapping[str, str], now: datetime) -> SignedWebhook:
    """Checks signature and age (5 minutes) against each live secret.

    Raises:
        UnsignedWebhookError: none of them made it.
        InvalidInputError: its event has no id.
    """
    shown = headers.get("stripe-signature", "")
    age = age_of(shown, now=now)
    if not shown or age is None:
        raise UnsignedWebhookError("altered" if shown else "unsigned")
    if abs(age) > TOLERANCE_SECONDS:  # the library lets the future pass, and asks this machine's clock
        raise UnsignedWebhookError("stale")
    if not any(verifies(secret, body, shown) for secret in settings.STRIPE_WEBHOOK_SECRETS):
        raise UnsignedWebhookError("altered")
    return SignedWebhook(event_id(body), {"stripe-signature": shown}, body)


def age_of(shown: str, *, now: datetime) -> float | None:
    """Seconds since a webhook was signed, as it says itself."""
    found = SENT_AT.search(shown)
    return now.timestamp() - int(found[1]) if found else None


def verifies(secret: str, body: bytes, shown: str) -> bool:
    """Whether this secret signed it."""
    try:
        stripe.WebhookSignature.verify_header(body, shown, secret)
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # bytes and letters that are none of Stripe's
        return False
    return True


def event_id(body: bytes) -> str:
    """The id of an event.

    Raises:
        InvalidInputError
    """
    try:
        found = json.loads(body)["id"]
    except NOT_AS_AGREED as error:
        raise InvalidInputError(_("The id of this webhook is not valid.")) from error
    if not isinstance(found, str) or not EVENT_ID.fullmatch(found):
        raise InvalidInputError(_("The id of this webhook is not valid."))
    return found


def read(body: bytes) -> Told | None:
    """What an event says; None if it is about something else, or a session that we did not open.

    Raises:
        one of NOT_AS_AGREED.
    """
    event = json.loads(body)
    if event["type"] not in EVENTS:
        return None
    data = event["data"]["object"]
    if not isinstance(data["metadata"], dict) or ORDER not in data["metadata"]:
        return None
    report = report_of(data)
    if event["type"].endswith("async_payment_failed"):
        report = replace(report, status="failure")
    return Told(checked_checkout_id(str(data["id"])), report)
