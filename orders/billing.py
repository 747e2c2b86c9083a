"""The billing service over HTTP: the one seam through which money is asked for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx2
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.money import money_string

log = logging.getLogger(__name__)
TIMEOUT = httpx2.Timeout(10, connect=3)
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
        data = answer.json()
        return PaySession(data["checkoutId"], data["orderId"], data["payUrl"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unexpected(answer) from error


def cancel_pay_session(checkout_id: str) -> None:
    """Tells billing not to take the money any more.

    Raises:
        AlreadyPaidError: it was taken.
        BillingUnavailableError: no answer, or not the one agreed.
    """
    answer = _post(address(checkout_id, "cancel"), {}, "")
    if answer.status_code == 409:
        raise AlreadyPaidError(checkout_id)
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


def ask(checkout_id: str) -> Report:
    """Asks about one pay session.

    Raises:
        PollError: no answer, or not the one agreed.
    """
    try:
        return read_report(client().get(address(checkout_id), headers=headers()))
    except httpx2.HTTPError as error:
        raise PollError(describe(error)) from error


async def ask_async(session: httpx2.AsyncClient, checkout_id: str) -> Report:
    """The same, for many at once.

    Raises:
        PollError: no answer, or not the one agreed.
    """
    try:
        return read_report(await session.get(address(checkout_id), headers=headers()))
    except httpx2.HTTPError as error:
        raise PollError(describe(error)) from error


def read_report(answer: httpx2.Response) -> Report:
    """The report in an answer.

    Raises:
        PollError: not an answer as agreed; 401 and 403 are said loudly, since no payment settles while they last.
    """
    if answer.status_code == 404:
        return Report("unknown")
    if answer.status_code in (401, 403):
        log.error("billing refuses our key (%s): payments cannot settle", answer.status_code)
    if answer.status_code != 200:
        raise PollError(f"HTTP {answer.status_code}")
    try:
        return report_of(answer.json())
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise PollError(f"not the answer agreed: {error!r}") from error


def report_of(data: dict[str, Any]) -> Report:
    """The report in billing's JSON, which answers and webhooks share.

    Raises:
        ValueError, KeyError, TypeError, InvalidOperation: it is not as agreed.
    """
    if data["status"] not in ("open", "success", "failure", "timeout"):
        raise ValueError(data["status"])
    return Report(data["status"], Decimal(data["amount"]), str(data["currency"]))


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
