"""The billing service over HTTP: the shop's own contract with whoever takes its money."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx2
from django.conf import settings

from core.money import CURRENCIES, LARGEST, money_string
from orders.providers import calls, standard_webhooks
from orders.providers.contract import (
    NOT_AS_AGREED,
    AlreadyPaidError,
    BillingUnavailableError,
    KeyRefusedError,
    PaySession,
    PollError,
    RefundRefusedError,
    Report,
    SignedWebhook,
    Told,
    checked_checkout_id,
)

SETTINGS = ("BILLING_URL", "BILLING_API_KEY")
PATH = "/billing/api/v1/paysession"
NO_REFUSALS = (401, 403, 408, 425, 429)
"""Statuses below 500 that say nothing about the money asked for."""


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
    answer = _post(address(checkout_id, "cancel"), {}, "", seconds=calls.WITHDRAW_SECONDS)
    try:
        read_cancelled(answer, checkout_id=checkout_id)
    except PollError as error:
        raise _unexpected(answer) from error


def read_cancelled(answer: httpx2.Response, *, checkout_id: str) -> None:
    """Whether this pay session was cancelled. The pieces are sold again after that: nothing less is believed.

    Raises:
        AlreadyPaidError, KeyRefusedError, PollError
    """
    if answer.status_code == 409:
        raise AlreadyPaidError(str(answer.url))
    if answer.status_code != 200:
        raise refusal(answer)
    data = body_of(answer)
    if (data.get("checkoutId"), data.get("status")) != (checkout_id, "timeout"):
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
        RefundRefusedError: 4xx, but for those that say nothing about the money.
        BillingUnavailableError: no answer, or not the one agreed.
    """
    answer = _post(address(checkout_id, "refund"), {"amount": money_string(amount, currency)}, key)
    try:
        read_refunded(answer)
    except PollError as error:
        problem = _unexpected(answer)
        if 400 <= answer.status_code < 500 and answer.status_code not in NO_REFUSALS:
            raise RefundRefusedError(f"{error}: {answer.text}"[:300]) from error
        raise problem from error


def read_refunded(answer: httpx2.Response) -> None:
    """Whether the money goes back. A page of some proxy has given nothing back, nor has an answer that names an error.

    Raises:
        PollError
    """
    if answer.status_code != 200:
        raise refusal(answer)
    if body_of(answer).get("error"):
        raise PollError("not the answer agreed: it names an error", "not_as_agreed")


async def ask(session: httpx2.AsyncClient, checkout_id: str) -> Report:
    """Asks about one pay session.

    Raises:
        PollError: no answer in time, or not the one agreed.
    """
    try:
        async with asyncio.timeout(calls.LONGEST_SECONDS):
            answer = await session.get(address(checkout_id), headers=headers())
            return read_report(answer, checkout_id=checkout_id)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise calls.silence(error) from error


async def cancel(session: httpx2.AsyncClient, checkout_id: str) -> None:
    """Cancels one of many pay sessions.

    Raises:
        AlreadyPaidError: it was paid.
        PollError: no answer in time, or not the one agreed.
    """
    try:
        async with asyncio.timeout(calls.LONGEST_SECONDS):
            answer = await session.post(address(checkout_id, "cancel"), json={}, headers=headers())
    except (httpx2.HTTPError, TimeoutError) as error:
        raise calls.silence(error) from error
    read_cancelled(answer, checkout_id=checkout_id)


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
    if not isinstance(data["orderId"], str) or not data["orderId"]:
        raise ValueError("orderId")
    return Report(data["status"], amount, data["currency"], data["orderId"])


def verify(*, body: bytes, headers: Mapping[str, str], now: datetime) -> SignedWebhook:
    """Checks signature and age of a webhook, as Standard Webhooks prescribes.

    Raises:
        UnsignedWebhookError: none of the live secrets made it.
        InvalidInputError: its id is none.
    """
    return standard_webhooks.verify(body=body, headers=headers, secrets=settings.BILLING_WEBHOOK_SECRETS, now=now)


def read(body: bytes) -> Told:
    """What a webhook says.

    Raises:
        one of NOT_AS_AGREED.
    """
    data = json.loads(body)["data"]
    return Told(checked_checkout_id(str(data["checkoutId"])), report_of(data))


def _post(url: str, body: dict[str, Any], key: str, *, seconds: float | None = None) -> httpx2.Response:
    session, shown = calls.client(), headers(key)
    return calls.in_time(lambda: session.post(url, json=body, headers=shown), seconds=seconds)


def _unexpected(answer: httpx2.Response) -> BillingUnavailableError:
    kind = refusal(answer).kind if answer.status_code >= 300 else "not_as_agreed"
    return calls.useless(kind, f"billing answered {answer.status_code}: {answer.text[:300]}")
