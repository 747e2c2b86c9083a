"""The billing service over HTTP: the one seam through which money is asked for."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx2
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import clock, counts
from core.errors import DomainError
from core.money import CURRENCIES, LARGEST, money_string

log = logging.getLogger(__name__)
TIMEOUT = httpx2.Timeout(10, connect=3)
LONGEST_SECONDS = 10
"""A call ends after this, even if billing sends a byte now and then: httpx counts from byte to byte."""
WITHDRAW_SECONDS = 2
"""Of the call that takes a pay session back, which comes after one that may have taken its whole time."""
CONNECTIONS = 32
PATH = "/billing/api/v1/paysession"
COUNTED = "billing"


class BillingUnavailableError(DomainError):
    """Billing could not be reached, or did not answer as agreed. Nothing is lost: the same call can be made again."""

    code, status = "BILLING_UNAVAILABLE", 502
    message = _("The payment service cannot be reached. Your order is kept; please try again in a moment.")


class AlreadyPaidError(Exception):
    """A pay session cannot be cancelled: it was paid."""


@dataclass(frozen=True)
class PaySession:
    """A pay session as billing opened it."""

    checkout_id: str
    order_id: str
    pay_url: str


@dataclass(frozen=True)
class Report:
    """What billing says of a pay session. `status` is open, success, failure, timeout, or unknown (404)."""

    status: str
    amount: Decimal | None = None
    currency: str = ""
    order_id: str = ""
    """Billing's own id of the order; empty if it was not said."""


class PollError(Exception):
    """One pay session could not be asked about; the text says why, `kind` in a word."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class KeyRefusedError(PollError):
    """Billing does not accept our key: no payment settles while that lasts."""


NOT_AS_AGREED = (ValueError, KeyError, TypeError, InvalidOperation, RecursionError)
"""What reading an answer raises that is not the one agreed, however wrong it is."""


@cache
def client() -> httpx2.Client:
    """The process's connections to billing."""
    return httpx2.Client(timeout=TIMEOUT, limits=httpx2.Limits(max_connections=CONNECTIONS), follow_redirects=False)


@cache
def callers() -> ThreadPoolExecutor:
    """Whoever waits for billing in a request's stead; one that is left waiting goes on until billing lets go of it."""
    return ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="billing")


os.register_at_fork(after_in_child=callers.cache_clear)  # threads stay with the parent


def headers(idempotency_key: str = "") -> dict[str, str]:
    """The key of the shop, and of the call."""
    return {"x-api-key": settings.BILLING_API_KEY} | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})


def address(checkout_id: str = "", action: str = "") -> str:
    """The address of pay sessions, of one, or of something done to one."""
    return str(settings.BILLING_URL) + "/".join(filter(None, [PATH, quote(checkout_id, safe=""), action]))


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
    """Opens a pay session. The same `key` opens the same one, however often this is called.

    Raises:
        BillingUnavailableError: no answer, or not the one agreed.
    """
    body = {
        "reference": reference,
        "amount": money_string(amount, currency),
        "currency": currency,
        "description": description,
        "returnUrl": return_url,
        "expiresAt": expires_at.isoformat(),
    }
    answer = _post(address(), body, key)
    if answer.status_code not in (200, 201):
        raise _unexpected(answer)
    try:
        return pay_session_of(answer.json())
    except NOT_AS_AGREED as error:
        raise _unexpected(answer) from error


def pay_session_of(data: dict[str, Any]) -> PaySession:
    """The pay session in billing's JSON.

    Raises:
        one of NOT_AS_AGREED.
    """
    opened = PaySession(data["checkoutId"], data["orderId"], data["payUrl"])
    if not all(isinstance(text, str) and text and "\0" not in text for text in astuple(opened)):
        raise ValueError(opened)
    if not opened.pay_url.startswith(("https://", "http://")):
        raise ValueError(opened.pay_url)
    return opened


def cancel_pay_session(checkout_id: str) -> None:
    """Tells billing not to take the money any more.

    Raises:
        AlreadyPaidError: it was taken.
        BillingUnavailableError: no answer, or not the one agreed.
    """
    answer = _post(address(checkout_id, "cancel"), {}, "", seconds=WITHDRAW_SECONDS)
    try:
        read_cancelled(answer)
    except PollError as error:
        raise _unexpected(answer) from error


def read_cancelled(answer: httpx2.Response) -> None:
    """Whether a pay session was cancelled. One that billing does not know cannot be paid either.

    Raises:
        AlreadyPaidError, KeyRefusedError, PollError
    """
    if answer.status_code == 409:
        raise AlreadyPaidError(str(answer.url))
    if answer.status_code not in (200, 404):
        raise refusal(answer)
    if answer.status_code == 200 and body_of(answer).get("status") != "timeout":
        raise PollError("not the answer agreed: it is not cancelled", "not_as_agreed")


def body_of(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON object in an answer.

    Raises:
        PollError: there is none.
    """
    try:
        data = answer.json()
    except NOT_AS_AGREED as error:
        raise PollError(f"not the answer agreed: {error!r}"[:300], "not_as_agreed") from error
    if not isinstance(data, dict):
        raise PollError("not the answer agreed: no object", "not_as_agreed")
    return data


def refund(*, checkout_id: str, amount: Decimal, currency: str, key: str) -> None:
    """Gives money back; the same `key` gives it back once.

    Raises:
        BillingUnavailableError: no answer, or not the one agreed.
    """
    answer = _post(address(checkout_id, "refund"), {"amount": money_string(amount, currency)}, key)
    if answer.status_code != 200:
        raise _unexpected(answer)
    try:
        body_of(answer)  # a page of some proxy has given nothing back
    except PollError as error:
        raise _unexpected(answer) from error


async def ask(session: httpx2.AsyncClient, checkout_id: str) -> Report:
    """Asks about one pay session.

    Raises:
        PollError: no answer in time, or not the one agreed.
    """
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer = await session.get(address(checkout_id), headers=headers())
            return read_report(answer, checkout_id=checkout_id)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise silence(error) from error


async def cancel(session: httpx2.AsyncClient, checkout_id: str) -> None:
    """Cancels one of many pay sessions.

    Raises:
        AlreadyPaidError: it was paid.
        PollError: no answer in time, or not the one agreed.
    """
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer = await session.post(address(checkout_id, "cancel"), json={}, headers=headers())
    except (httpx2.HTTPError, TimeoutError) as error:
        raise silence(error) from error
    read_cancelled(answer)


def read_report(answer: httpx2.Response, *, checkout_id: str) -> Report:
    """The report in an answer about this pay session.

    Raises:
        KeyRefusedError: 401 or 403.
        PollError: not an answer as agreed.
    """
    if answer.status_code == 404:
        return Report("unknown")
    if answer.status_code != 200:
        raise refusal(answer)
    try:
        data = body_of(answer)
        if data["checkoutId"] != checkout_id:
            raise ValueError(data["checkoutId"])
        return report_of(data)
    except NOT_AS_AGREED as error:
        raise PollError(f"not the answer agreed: {error!r}"[:300], "not_as_agreed") from error


def refusal(answer: httpx2.Response) -> PollError:
    """What a status says that is not the one hoped for."""
    text = f"HTTP {answer.status_code}"
    if answer.status_code in (401, 403):
        return KeyRefusedError(text, "key_refused")
    return PollError(text, "server_error" if answer.status_code >= 500 else "not_as_agreed")


def silence(error: Exception) -> PollError:
    """What it means that nothing was answered."""
    late = isinstance(error, TimeoutError | httpx2.TimeoutException)
    return PollError(describe(error), "timeout" if late else "network")


def report_of(data: dict[str, Any]) -> Report:
    """The report in billing's JSON, which answers and webhooks share.

    Raises:
        one of NOT_AS_AGREED.
    """
    amount = Decimal(str(data["amount"]))  # a JSON number is what it reads as, not its binary neighbour
    if data["status"] not in ("open", "success", "failure", "timeout"):
        raise ValueError(data["status"])
    if not amount.is_finite() or not 0 <= amount <= LARGEST:
        raise ValueError(data["amount"])
    if data["currency"] not in CURRENCIES:
        raise ValueError(data["currency"])
    return Report(data["status"], amount, data["currency"], str(data.get("orderId") or ""))


def note_useless(error: PollError, *, checkout_id: str) -> None:
    """Counts a question about a pay session to which no useful answer came, and says so now and then."""
    text = f"billing's answer about {checkout_id} is of no use: {error}"
    counts.note(log, COUNTED, error.kind, text, now=clock.now())


def describe(error: Exception) -> str:
    """An error for the log and the attempt."""
    return f"{type(error).__name__}: {error}"[:300]


def _post(url: str, body: dict[str, Any], key: str, *, seconds: float | None = None) -> httpx2.Response:
    call = callers().submit(client().post, url, json=body, headers=headers(key))
    try:
        return call.result(LONGEST_SECONDS if seconds is None else seconds)
    except (httpx2.HTTPError, TimeoutError) as error:
        call.cancel()
        log.warning("billing: %s", describe(error))
        counts.count(COUNTED, silence(error).kind, now=clock.now())
        raise BillingUnavailableError from error


def _unexpected(answer: httpx2.Response) -> BillingUnavailableError:
    log.error("billing answered %s: %s", answer.status_code, answer.text[:300])
    kind = refusal(answer).kind if answer.status_code >= 300 else "not_as_agreed"
    counts.count(COUNTED, kind, now=clock.now())
    return BillingUnavailableError()
