"""The billing service over HTTP: the one seam through which money is asked for."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.money import money_string

log = logging.getLogger(__name__)
TIMEOUT = httpx2.Timeout(10, connect=3)
LONGEST_SECONDS = 10
"""A call among many ends after this, even if billing sends a byte now and then."""
AT_ONCE = 100
T = TypeVar("T")
CURRENCY = re.compile("[A-Z]{3}")
PATH = "/billing/api/v1/paysession"


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


class PollError(Exception):
    """One pay session could not be asked about; the text says why."""


class KeyRefusedError(PollError):
    """Billing does not accept our key: no payment settles while that lasts."""


NOT_AS_AGREED = (ValueError, KeyError, TypeError, InvalidOperation, RecursionError)
"""What reading an answer raises that is not the one agreed, however wrong it is."""


@cache
def client() -> httpx2.Client:
    """The process's connections to billing."""
    return httpx2.Client(timeout=TIMEOUT, limits=httpx2.Limits(max_connections=32), follow_redirects=False)


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
    read_cancelled(_post(address(checkout_id, "cancel"), {}, ""))


def read_cancelled(answer: httpx2.Response) -> None:
    """Whether a pay session was cancelled. One that billing does not know cannot be paid either.

    Raises:
        AlreadyPaidError, BillingUnavailableError
    """
    if answer.status_code == 409:
        raise AlreadyPaidError(str(answer.url))
    if answer.status_code not in (200, 404):
        raise _unexpected(answer)


def refund(*, checkout_id: str, amount: Decimal, currency: str, key: str) -> None:
    """Gives money back; the same `key` gives it back once.

    Raises:
        BillingUnavailableError: no answer, or not the one agreed.
    """
    answer = _post(address(checkout_id, "refund"), {"amount": money_string(amount, currency)}, key)
    if answer.status_code != 200:
        raise _unexpected(answer)


def for_each(work: Callable[[httpx2.AsyncClient, str], Awaitable[T]], checkout_ids: Sequence[str]) -> list[T]:
    """Does `work` for many pay sessions, `AT_ONCE` at a time over one pool; the results in their order."""

    async def all_of_them() -> list[T]:
        gate = asyncio.Semaphore(AT_ONCE)
        limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)

        async def one(session: httpx2.AsyncClient, checkout_id: str) -> T:
            async with gate:
                return await work(session, checkout_id)

        async with httpx2.AsyncClient(timeout=TIMEOUT, limits=limits) as session:
            return list(await asyncio.gather(*(one(session, checkout_id) for checkout_id in checkout_ids)))

    return asyncio.run(all_of_them()) if checkout_ids else []


async def ask(session: httpx2.AsyncClient, checkout_id: str) -> Report:
    """Asks about one pay session.

    Raises:
        PollError: no answer in time, or not the one agreed.
    """
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return read_report(await session.get(address(checkout_id), headers=headers()))
    except (httpx2.HTTPError, TimeoutError) as error:
        raise PollError(describe(error)) from error


async def cancel(session: httpx2.AsyncClient, checkout_id: str) -> None:
    """Cancels one of many pay sessions.

    Raises:
        AlreadyPaidError, BillingUnavailableError
    """
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer = await session.post(address(checkout_id, "cancel"), json={}, headers=headers())
    except (httpx2.HTTPError, TimeoutError) as error:
        log.warning("billing: %s", describe(error))
        raise BillingUnavailableError from error
    read_cancelled(answer)


def read_report(answer: httpx2.Response) -> Report:
    """The report in an answer.

    Raises:
        KeyRefusedError: 401 or 403.
        PollError: not an answer as agreed.
    """
    if answer.status_code == 404:
        return Report("unknown")
    if answer.status_code in (401, 403):
        raise KeyRefusedError(f"HTTP {answer.status_code}")
    if answer.status_code != 200:
        raise PollError(f"HTTP {answer.status_code}")
    try:
        return report_of(answer.json())
    except NOT_AS_AGREED as error:
        raise PollError(f"not the answer agreed: {error!r}"[:300]) from error


def report_of(data: dict[str, Any]) -> Report:
    """The report in billing's JSON, which answers and webhooks share.

    Raises:
        one of NOT_AS_AGREED.
    """
    amount = Decimal(str(data["amount"]))  # a JSON number is what it reads as, not its binary neighbour
    if data["status"] not in ("open", "success", "failure", "timeout") or not amount.is_finite():
        raise ValueError(data["status"])
    if not CURRENCY.fullmatch(data["currency"]):
        raise ValueError(data["currency"])
    return Report(data["status"], amount, data["currency"])


def describe(error: Exception) -> str:
    """An error for the log and the attempt."""
    return f"{type(error).__name__}: {error}"[:300]


def _post(url: str, body: dict[str, Any], key: str) -> httpx2.Response:
    try:
        return client().post(url, json=body, headers=headers(key))
    except httpx2.HTTPError as error:
        log.warning("billing: %s", describe(error))
        raise BillingUnavailableError from error


def _unexpected(answer: httpx2.Response) -> BillingUnavailableError:
    log.error("billing answered %s: %s", answer.status_code, answer.text[:300])
    return BillingUnavailableError()
