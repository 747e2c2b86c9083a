"""Who takes the money: chosen by a setting, remembered by each attempt, and easily joined by another."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import WARNING
from django.test import Client

from config.embedded import PROJECT
from core.clock import now
from orders.checks import check_provider
from orders.models import Order, PaymentAttempt, Refund, WebhookReceipt
from orders.providers import billing_service, registry
from orders.providers import stripe as stripe_provider
from orders.providers.contract import Provider
from orders.services import cancel_order, expire_due, poll_billing, send_refunds
from tests.billing_server import BillingService
from tests.stripe_server import Stripe
from tests.world import Shopper, World, attempt_of, check_books, report, secret_of, signed, webhook_body, window_ends

pytestmark = pytest.mark.django_db

GUIDE = PROJECT / "docs" / "providers.md"
WHOLE: tuple[Provider, ...] = (billing_service, stripe_provider)
"""mypy holds them to the contract."""


@pytest.fixture
def old(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """An order whose attempt was opened at billing, before the shop went to Stripe."""
    return shopper.order(world)


@pytest.fixture
def switched(old: Order, stripe: Stripe) -> Stripe:
    """The shop went to Stripe."""
    return stripe


def poll(at: timedelta = timedelta(seconds=6)) -> dict[str, int]:
    return poll_billing(now=now() + at).errors


def status_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_the_registry_holds_all_that_keep_the_contract() -> None:
    assert [registry.named(name) for name in registry.PROVIDERS] == list(WHOLE)
    assert all(len(name) <= 20 for name in registry.PROVIDERS)


def test_after_a_switch_new_attempts_are_opened_at_the_new_provider(old: Order, switched: Stripe, world: World) -> None:
    new = Shopper().order(world)
    assert (attempt_of(old).provider, attempt_of(new).provider) == ("billing", "stripe")
    assert attempt_of(new).billing_checkout_id == switched.only()["id"]


def test_after_a_switch_old_and_new_attempts_are_polled_each_at_its_own(
    old: Order, switched: Stripe, billing: BillingService, world: World
) -> None:
    new = Shopper().order(world)
    billing.settle(billing.only().checkout_id, "success")
    switched.pay(switched.only())
    assert poll() == {}
    assert (status_of(old), status_of(new)) == ("success", "success")
    check_books()


def test_after_a_switch_a_retry_goes_to_the_new_provider(
    old: Order, switched: Stripe, billing: BillingService, shopper: Shopper
) -> None:
    billing.settle(billing.only().checkout_id, "failure")
    poll()
    assert shopper.retry(old).status_code == 200
    assert [attempt.provider for attempt in PaymentAttempt.objects.order_by("number")] == ["billing", "stripe"]


def test_after_a_switch_an_old_attempt_is_cancelled_where_it_was_opened(
    old: Order, switched: Stripe, billing: BillingService
) -> None:
    cancel_order(order_id=old.pk, actor="customer", now=now())
    assert (billing.only().status, billing.calls["cancel"], switched.calls) == ("timeout", 1, [])


def test_after_a_switch_an_old_payment_goes_back_where_it_came(
    old: Order, switched: Stripe, billing: BillingService, world: World
) -> None:
    window_ends(old)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))
    report(attempt_of(old), "success")
    assert send_refunds(now=now()) == 1
    assert (list(billing.only().refunds.values()), switched.refunds) == (["33.00"], [])


def test_after_a_switch_old_webhooks_are_still_believed(
    old: Order, switched: Stripe, billing: BillingService, settings: LazySettings
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only()))
    headers = signed(body, secret=settings.BILLING_WEBHOOK_SECRETS[0])
    Client().post("/api/v1/billing/webhook", data=body, content_type="application/json", headers=headers)
    assert status_of(old) == "success"


def test_an_attempt_whose_provider_lost_its_keys_waits_and_holds_up_no_other(
    old: Order, switched: Stripe, world: World, settings: LazySettings
) -> None:
    new = Shopper().order(world)
    switched.pay(switched.only())
    settings.BILLING_URL = ""
    assert poll() == {"not_configured": 1}
    assert (status_of(old), status_of(new)) == ("pending", "success")


def test_an_attempt_of_a_provider_that_is_gone_waits_and_so_does_its_refund(
    old: Order, switched: Stripe, world: World
) -> None:
    PaymentAttempt.objects.update(provider="gone")
    assert poll() == {"not_configured": 1}
    report(attempt_of(old), "success")
    Refund.objects.create(attempt=attempt_of(old), amount=1, reason="x", next_try_at=now(), requested_at=now())
    assert send_refunds(now=now()) == 0
    assert "gone" in Refund.objects.get().last_error


def test_an_unknown_provider_opens_nothing(
    world: World, billing: BillingService, shopper: Shopper, settings: LazySettings
) -> None:
    settings.PAYMENT_PROVIDER = "paypal"
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502
    assert [problem.id for problem in check_provider()] == ["orders.E001"]


@pytest.mark.parametrize(
    ("provider", "missing"),
    [("stripe", "STRIPE_SECRET_KEY"), ("billing", "BILLING_API_KEY"), ("billing", "BILLING_URL")],
)
def test_a_key_that_is_missing_is_said_by_the_check_in_production(
    provider: str, missing: str, settings: LazySettings
) -> None:
    settings.PAYMENT_PROVIDER, settings.STRIPE_SECRET_KEY, settings.BILLING_URL = provider, "sk", "https://pay.test"
    settings.DEVELOPMENT = False
    assert check_provider() == []
    setattr(settings, missing, "")
    (problem,) = check_provider()
    assert (problem.id, missing in problem.msg) == ("orders.E002", True)


def test_a_key_that_is_missing_in_development_is_a_warning(settings: LazySettings) -> None:
    settings.BILLING_API_KEY = ""
    (problem,) = check_provider()
    assert (problem.id, problem.level) == ("orders.W001", WARNING)


# A third, from the guide ---------------------------------------------------------------------------------------------


@pytest.fixture
def toy(
    billing: BillingService, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BillingService]:
    """The guide's provider: one file, one line; its keys are in the environment alone."""
    module, _line = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "toy_of_the_guide.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(registry.PROVIDERS, "toy", "toy_of_the_guide")
    for name, value in {"URL": billing.url, "KEY": billing.api_key, "WEBHOOK_SECRET": secret_of("toy")}.items():
        monkeypatch.setenv(f"TOY_{name}", value)
    settings.PAYMENT_PROVIDER, settings.BILLING_URL = "toy", ""
    yield billing
    sys.modules.pop("toy_of_the_guide", None)


def test_by_the_guides_provider_an_order_is_paid(world: World, toy: BillingService, shopper: Shopper) -> None:
    order = shopper.order(world)
    toy.settle(toy.only().checkout_id, "success")
    assert poll() == {}
    assert (status_of(order), attempt_of(order).provider) == ("success", "toy")
    check_books()


def test_the_guides_provider_settles_by_webhook(world: World, toy: BillingService, shopper: Shopper) -> None:
    order = shopper.order(world)
    toy.settle(toy.only().checkout_id, "success")
    body = json.dumps(webhook_body(toy.only()))
    for secret, status in (("other", 401), ("toy", 200)):
        headers = signed(body, secret=secret_of(secret))
        answer = Client().post("/api/v1/billing/toy", data=body, content_type="application/json", headers=headers)
        assert answer.status_code == status
    assert (status_of(order), WebhookReceipt.objects.get().provider) == ("success", "toy")


def test_the_guides_provider_cancels_before_stock_comes_back_and_hears_of_late_money(
    world: World, toy: BillingService, shopper: Shopper
) -> None:
    left, paid = shopper.order(world), Shopper().order(world)
    toy.settle(attempt_of(paid).billing_checkout_id, "success")
    expire_due(now=now() + timedelta(minutes=15))
    assert (status_of(left), status_of(paid)) == ("expired", "success")
    assert toy.sessions[attempt_of(left).billing_checkout_id].status == "timeout"


def test_the_guides_provider_gives_money_back(world: World, toy: BillingService, shopper: Shopper) -> None:
    order = shopper.order(world)
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))
    report(attempt_of(order), "success")
    assert send_refunds(now=now()) == 1


@pytest.mark.parametrize("knob", [{"down": True}, {"status": 500}, {"body": "<html>"}], ids=range(3))
def test_the_guides_provider_may_be_away(
    knob: dict[str, object], world: World, toy: BillingService, shopper: Shopper
) -> None:
    toy.knob("open", **knob)
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502
    toy.well()
    order = Order.objects.get()
    assert shopper.retry(order).status_code == 200
    toy.knob("get", **knob)
    assert sum(poll().values()) == 1
