"""The contract's words: reads what merchants send, writes what they get."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from babel.numbers import get_currency_precision, list_currencies
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from billing_sandbox.models import PaySession
from billing_sandbox.refusals import BodyTooLarge, InvalidInput, MalformedJson

AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
CURRENCIES = frozenset(list_currencies())
LONGEST_WINDOW = timedelta(days=30)
LONGEST_URL = 2048
LONGEST_KEY = 255


@dataclass(frozen=True)
class Opening:
    """A checked request to open a pay session."""

    reference: str
    amount: str
    currency: str
    description: str
    return_url: str
    expires_at: datetime


@dataclass
class Fields:
    """Reads fields one by one and collects what is wrong with them, so that one answer tells it all."""

    body: dict[str, Any]
    problems: dict[str, list[str]] = field(default_factory=dict)

    def check(self) -> None:
        """Raises InvalidInput if any field could not be used."""
        if self.problems:
            raise InvalidInput(self.problems)

    def wrong(self, name: str, problem: str) -> None:
        self.problems.setdefault(name, []).append(problem)

    def text(self, name: str, *, longest: int, optional: bool = False) -> str:
        """A string of printable characters; empty if it is wrong."""
        value = self.body.get(name)
        if value is None or value == "":
            if not optional:
                self.wrong(name, "This field is required.")
        elif not isinstance(value, str):
            self.wrong(name, "Must be a string.")
        elif len(value) > longest:
            self.wrong(name, f"At most {longest} characters.")
        elif UNPRINTABLE.search(value):
            self.wrong(name, "Control characters and lone surrogates are not allowed.")
        else:
            return value
        return ""

    def amount(self, currency: str) -> str:
        """A positive decimal string in whole minor units, kept as written."""
        value = self.text("amount", longest=17)
        if not value:
            return ""
        if not AMOUNT.fullmatch(value) or not Decimal(value):
            self.wrong("amount", 'Must be a positive decimal string such as "48.90".')
        elif currency and Decimal(value) % Decimal(1).scaleb(-get_currency_precision(currency)):
            self.wrong("amount", f"Has more decimals than {currency}.")
        return value

    def currency(self) -> str:
        """A code of ISO 4217; empty if it is wrong."""
        value = self.text("currency", longest=3)
        if value and value not in CURRENCIES:
            self.wrong("currency", 'Must be a code of ISO 4217 such as "GBP".')
            return ""
        return value

    def address(self, name: str) -> str:
        """An absolute http or https address."""
        value = self.text(name, longest=LONGEST_URL)
        if value and not is_web_address(value):
            self.wrong(name, f"Must be an absolute http or https address of at most {LONGEST_URL} characters.")
        return value

    def instant(self, name: str, *, now: datetime) -> datetime:
        """A time to come, ISO 8601 with an offset, in UTC."""
        value = self.text(name, longest=40)
        instant = parse_instant(value)
        if instant and now < instant <= now + LONGEST_WINDOW:
            return instant.astimezone(UTC)
        if instant:
            self.wrong(name, f"Must be in the future and at most {LONGEST_WINDOW.days} days away.")
        elif value:
            self.wrong(name, 'Must be a time of ISO 8601 with an offset, such as "2026-11-20T12:00:00Z".')
        return now


def parse_instant(value: str) -> datetime | None:
    """A time of ISO 8601 with an offset; none if it is not one."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def is_web_address(value: str) -> bool:
    """Whether a browser can be sent there."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not re.search(r"\s", value)
        and len(iri_to_uri(value)) <= LONGEST_URL
    )


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body, whatever the content type says.

    Raises:
        MalformedJson: not UTF-8, not JSON, nested too deeply, or not an object.
        BodyTooLarge: more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes.
    """
    try:
        body = json.loads(request.body.decode())
    except RequestDataTooBig as error:
        raise BodyTooLarge from error
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error
    if not isinstance(body, dict):
        raise MalformedJson
    return body


def read_opening(body: dict[str, Any], *, now: datetime) -> Opening:
    """The request to open a session.

    Raises:
        InvalidInput: with every field that cannot be used.
    """
    fields = Fields(body)
    currency = fields.currency()
    opening = Opening(
        reference=fields.text("reference", longest=200),
        amount=fields.amount(currency),
        currency=currency,
        description=fields.text("description", longest=500, optional=True),
        return_url=fields.address("returnUrl"),
        expires_at=fields.instant("expiresAt", now=now),
    )
    fields.check()
    return opening


def read_refund(body: dict[str, Any], *, currency: str) -> str:
    """The amount to give back.

    Raises:
        InvalidInput: it is not a positive decimal string in the session's currency.
    """
    fields = Fields(body)
    amount = fields.amount(currency)
    fields.check()
    return amount


def read_key(request: HttpRequest) -> str | None:
    """The idempotency key; none if the header is absent or empty.

    Raises:
        InvalidInput: it is too long or not printable ASCII.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidInput({"Idempotency-Key": [f"At most {LONGEST_KEY} printable ASCII characters."]})
    return key or None


def digest(body: dict[str, Any]) -> str:
    """What makes two bodies the same: all their fields, in any order."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def opened_json(session: PaySession) -> dict[str, str]:
    """The answer to an opening."""
    return {
        "checkoutId": str(session.pk),
        "orderId": str(session.order_id),
        "status": session.status,
        "payUrl": settings.PUBLIC_URL + reverse("billing_sandbox:pay", args=[session.pk]),
    }


def session_json(session: PaySession) -> dict[str, str]:
    """A session as merchants see it; `paidAt` only when it was paid."""
    shown = {
        "checkoutId": str(session.pk),
        "orderId": str(session.order_id),
        "status": session.status,
        "amount": session.amount,
        "currency": session.currency,
    }
    return shown | ({"paidAt": instant_string(session.paid_at)} if session.paid_at else {})


def event_json(session: PaySession) -> dict[str, Any]:
    """The webhook of a settled session."""
    paid_at = instant_string(session.paid_at) if session.paid_at else None
    data = session_json(session) | {"reference": session.reference, "paidAt": paid_at}
    return {"type": "paysession.updated", "data": data}


def instant_string(instant: datetime) -> str:
    """ISO 8601 in UTC with `Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
