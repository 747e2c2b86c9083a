"""Nobody forges a payment: what no live secret signed changes no row, whichever bit of it was altered."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from core.clock import now
from orders.models import Order
from orders.providers import standard_webhooks, stripe
from tests import stripe_server
from tests.billing_server import BillingService
from tests.database import take_time
from tests.stored import rows_of
from tests.stripe_server import Stripe
from tests.world import Shopper, World, attempt_of, secret_of, signed, webhook_body

pytestmark = pytest.mark.django_db

EVERY = "SCHEMA_CASES" in os.environ
"""`make promises` flips every bit of a body; else some of them. Of a signature it is always one of each byte."""
Headers = dict[str, str]


@dataclass
class Forger:
    """A webhook that was really sent, and whoever heard it on its way."""

    provider: str
    order: Order
    body: str
    sign: Callable[..., Headers]
    secrets: tuple[str, str]

    def send(self, headers: Headers, body: str | bytes | None = None, provider: str = "") -> Any:
        """What the shop answers to it, or to another body."""
        path = {"billing": "webhook"}.get(provider or self.provider, provider or self.provider)
        content = self.body if body is None else body
        return Client().post(f"/api/v1/billing/{path}", data=content, content_type="application/json", headers=headers)

    def status(self) -> str:
        """What became of the order."""
        return Order.objects.get(pk=self.order.pk).status


@pytest.fixture(params=["billing", "stripe"])
def forger(request: pytest.FixtureRequest, settings: LazySettings, world: World, shopper: Shopper) -> Forger:
    first, second = (secret_of("first"), secret_of("second")) if request.param == "billing" else ("whsec_1", "whsec_2")
    service: Any = request.getfixturevalue(request.param)
    settings.BILLING_WEBHOOK_SECRETS = settings.STRIPE_WEBHOOK_SECRETS = [first, second]
    order = shopper.order(world)
    make = by_billing if request.param == "billing" else by_stripe
    return Forger(request.param, order, *make(service), (first, second))


def by_billing(service: BillingService) -> tuple[str, Callable[..., Headers]]:
    """A body that says that the order is paid, and how it is signed."""
    service.settle(service.only().checkout_id, "success")
    body = json.dumps(webhook_body(service.only()))
    return body, lambda secret, at=None, body=body: signed(body, secret=secret, at=at)


def by_stripe(service: Stripe) -> tuple[str, Callable[..., Headers]]:
    """The same, of Stripe."""
    service.pay(service.only())
    body = stripe_server.event("checkout.session.completed", service.only())
    return body, lambda secret, at=None, body=body: stripe_server.signed(body, secret, at=at and at.timestamp())


def flipped(text: bytes, step: int) -> Iterator[bytes]:
    """The text with one bit of it another: each, each third..."""
    for place in range(0, len(text) * 8, step):
        altered = bytearray(text)
        altered[place // 8] ^= 1 << place % 8
        yield bytes(altered)


def altered_signatures(provider: str, headers: Headers) -> Iterator[Headers]:
    """The headers with one bit of the signature another."""
    if provider == "billing":
        made = base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))
        for other in flipped(made, 7):
            yield headers | {"webhook-signature": "v1," + base64.b64encode(other).decode()}
        return
    head, _, made_hex = headers["stripe-signature"].partition("v1=")
    for other in flipped(bytes.fromhex(made_hex), 7):
        yield headers | {"stripe-signature": f"{head}v1={other.hex()}"}


def altered_headers(headers: Headers) -> Iterator[Headers]:
    """The headers with one character of what is signed along with the body another: the id, and when."""
    for name, text in headers.items():
        told = text.partition(",")[0] if name == "stripe-signature" else text
        for place in range(0 if name != "webhook-signature" else len(told), len(told)):
            other = "1" if told[place] != "1" else "2"
            yield headers | {name: told[:place] + other + told[place + 1 :] + text[len(told) :]}


def accepted(forger: Forger) -> int:
    """How many of the altered webhooks were not refused. None may change anything."""
    headers = forger.sign(forger.secrets[0])
    answers = [forger.send(headers, body) for body in flipped(forger.body.encode(), 1 if EVERY else 101)]
    answers += [forger.send(altered) for altered in altered_signatures(forger.provider, headers)]
    answers += [forger.send(altered) for altered in altered_headers(headers)]
    assert len(answers) > 50
    return sum(answer.status_code != 401 for answer in answers)


def test_no_bit_of_a_webhook_can_be_altered(forger: Forger) -> None:
    take_time()
    before = rows_of("")
    assert accepted(forger) == 0
    assert rows_of("") == before


def test_control_without_looking_at_signatures_they_would_be_believed(
    forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standard_webhooks, "verifies", lambda *args: True)
    monkeypatch.setattr(stripe, "verifies", lambda *args: True)
    altered = next(altered_signatures(forger.provider, forger.sign(forger.secrets[0])))
    assert forger.send(altered).status_code == 200
    assert forger.status() == "success"
    assert accepted(forger) > 0


@pytest.mark.parametrize("seconds", [-301, 301, -3600, 86_400])
def test_a_webhook_of_another_time_changes_nothing(forger: Forger, seconds: int) -> None:
    before = rows_of("")
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False):
        headers = forger.sign(forger.secrets[0], at=now() + timedelta(seconds=seconds))
        assert forger.send(headers).status_code == 401
    assert rows_of("") == before


@pytest.mark.parametrize("seconds", [-299, 299])
def test_clocks_may_differ_by_not_quite_five_minutes(forger: Forger, seconds: int) -> None:
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False):
        headers = forger.sign(forger.secrets[0], at=now() + timedelta(seconds=seconds))
        assert forger.send(headers).status_code == 200
    assert forger.status() == "success"


@pytest.mark.parametrize("which", [0, 1])
def test_each_of_two_live_secrets_signs(forger: Forger, which: int) -> None:
    assert forger.send(forger.sign(forger.secrets[which])).status_code == 200
    assert forger.status() == "success"


def test_a_secret_that_was_removed_signs_no_more(forger: Forger, settings: LazySettings) -> None:
    settings.BILLING_WEBHOOK_SECRETS = settings.STRIPE_WEBHOOK_SECRETS = [forger.secrets[1]]
    before = rows_of("")
    assert forger.send(forger.sign(forger.secrets[0])).status_code == 401
    assert rows_of("") == before


def test_a_signature_is_no_good_at_another_providers_address(forger: Forger) -> None:
    other = {"billing": "stripe", "stripe": "billing"}[forger.provider]
    before = rows_of("")
    assert forger.send(forger.sign(forger.secrets[0]), provider=other).status_code == 401
    assert rows_of("") == before


def test_a_signature_is_of_one_body(forger: Forger) -> None:
    before = rows_of("")
    headers = forger.sign(forger.secrets[0])
    for body in ("", "{}", forger.body + " ", forger.body * 2, forger.body.replace("33", "99")):
        assert forger.send(headers, body).status_code == 401, body
    assert rows_of("") == before


def test_news_of_one_order_pay_no_other(world: World, billing: BillingService, settings: LazySettings) -> None:
    settings.BILLING_WEBHOOK_SECRETS = [secret_of("first")]
    mine, theirs = Shopper().order(world), Shopper().order(world)
    paid = billing.sessions[attempt_of(theirs).billing_checkout_id]
    billing.settle(paid.checkout_id, "success")
    body = json.dumps(webhook_body(paid, checkoutId=attempt_of(mine).billing_checkout_id))
    answer = Client().post(
        "/api/v1/billing/webhook", data=body, content_type="application/json",
        headers=signed(body, secret=secret_of("first")),
    )  # fmt: skip
    assert answer.status_code == 400
    assert [Order.objects.get(pk=order.pk).status for order in (mine, theirs)] == ["pending", "pending"]
