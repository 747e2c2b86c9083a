"""One key makes one order, and answers it again to whoever repeats it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from checkout.models import CheckoutSession, IdempotencyKey
from core.clock import now
from orders.models import Order, PaymentAttempt
from tests.billing_server import BillingService
from tests.world import Shopper, World, cart, check_books

pytestmark = pytest.mark.django_db

KEY = "6f1c9a52-first"


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.fixture
def checkout_id(world: World, shopper: Shopper) -> str:
    return shopper.checkout((world.mug, 1))


def test_the_same_key_and_body_answer_the_same_again(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    first = shopper.confirm(checkout_id, world, KEY)
    again = shopper.confirm(checkout_id, world, KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.json()["data"]["orderToken"]
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert (Order.objects.count(), billing.calls["open"]) == (1, 1)


def test_the_first_answer_is_repeated_though_the_order_went_on(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    first = shopper.confirm(checkout_id, world, KEY)
    shopper.post(f"/orders/{first.json()['data']['order']['orderId']}/cancel")
    assert shopper.confirm(checkout_id, world, KEY).json() == first.json()


def test_the_token_is_not_kept_with_the_answer(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    token = shopper.confirm(checkout_id, world, KEY).json()["data"]["orderToken"]
    kept = IdempotencyKey.objects.get()
    assert token not in str(kept.answer)
    assert Order.objects.get().access_token_hash != token


def test_the_same_key_with_another_body_is_refused(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shopper.confirm(checkout_id, world, KEY)
    answer = shopper.confirm(checkout_id, world, KEY, firstName="Grace")
    assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_key_for_another_checkout_is_refused(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shopper.confirm(checkout_id, world, KEY)
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world, KEY)
    assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_two_shoppers_may_choose_the_same_key(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    other = Shopper()
    shopper.confirm(checkout_id, world, KEY)
    answer = other.confirm(other.checkout((world.mug, 1)), world, KEY)
    assert (answer.status_code, "Idempotent-Replayed" in answer) == (201, False)
    assert Order.objects.count() == 2


def test_a_refused_confirm_does_not_use_the_key(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    refused = shopper.confirm(checkout_id, world, KEY, expectedTotal="1.00")
    assert refusal(refused) == (409, "PRICE_CHANGED")
    assert not IdempotencyKey.objects.exists()
    assert shopper.confirm(checkout_id, world, KEY).status_code == 201


def test_a_key_is_kept_for_7_days(world: World, billing: BillingService, shopper: Shopper, checkout_id: str) -> None:
    shopper.confirm(checkout_id, world, KEY)
    IdempotencyKey.objects.update(created_at=now() - timedelta(days=7) + timedelta(minutes=1))
    assert shopper.confirm(checkout_id, world, KEY)["Idempotent-Replayed"] == "true"


def test_after_7_days_a_key_is_new_again(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shopper.confirm(checkout_id, world, KEY)
    IdempotencyKey.objects.update(created_at=now() - timedelta(days=7, minutes=1))
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world, KEY)
    assert (answer.status_code, "Idempotent-Replayed" in answer) == (201, False)
    assert Order.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 256, "ключ", "a\tb"])
def test_what_is_no_key_is_refused(
    key: str, world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    answer = shopper.confirm(checkout_id, world, key)
    assert refusal(answer) == (400, "INVALID_INPUT")
    assert not Order.objects.exists()


def test_while_the_first_is_still_running_it_is_a_conflict(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shopper.confirm(checkout_id, world, KEY)
    PaymentAttempt.objects.all().delete()  # as it stands while billing is being asked
    IdempotencyKey.objects.update(status=None, answer=None)
    assert refusal(shopper.confirm(checkout_id, world, KEY)) == (409, "IDEMPOTENCY_CONFLICT")


def test_billing_away_answers_502_with_the_order_and_so_does_a_repetition(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    billing.knob("open", down=True)
    first, again = (shopper.confirm(checkout_id, world, KEY) for _ in range(2))
    assert refusal(first) == refusal(again) == (502, "BILLING_UNAVAILABLE")
    assert again.json()["details"] == first.json()["details"]
    assert first.json()["details"]["orderToken"]
    assert again["Idempotent-Replayed"] == "true"
    assert Order.objects.count() == 1


@pytest.fixture
def token(shopper: Shopper) -> str:
    return str(shopper.visit()["token"])


SCRIPT = """
import django, sys
django.setup()
from tests.world import ADDRESS, Shopper
body = {"checkoutId": sys.argv[1], "email": "ada@example.com", "firstName": "Ada", "lastName": "Byron",
    "shippingAddress": ADDRESS, "shippingMethodId": sys.argv[2]}
Shopper(**{"x-visitor-session": sys.argv[3]}).post("/checkout/confirm-order", body, **{"Idempotency-Key": sys.argv[4]})
"""


@pytest.fixture
def other_process(billing: BillingService) -> dict[str, str]:
    """The environment in which another process uses this test's database and billing service."""
    database = connection.settings_dict
    address = f"postgres://footfall@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    if database["HOST"] == "" or not str(database["HOST"]).startswith("/"):
        address = str(settings.DATABASE_URL).rsplit("/", 1)[0] + f"/{database['NAME']}"
    return os.environ | {
        "DATABASE_URL": address,
        "REDIS_URL": str(settings.REDIS_URL),
        "BILLING_URL": billing.url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_between_commit_and_answer_leaves_one_order(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str, token: str, other_process: dict[str, str]
) -> None:
    billing.knob("open", delay=3, acts=True)
    arguments = [checkout_id, str(world.method.id), token, KEY]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], env=other_process)
    deadline = time.monotonic() + 30
    while not billing.calls["open"] and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    billing.well()
    placed = Order.objects.get()
    assert refusal(shopper.confirm(checkout_id, world, KEY, email="ada@example.com")) == (409, "IDEMPOTENCY_CONFLICT")
    IdempotencyKey.objects.update(created_at=now() - timedelta(seconds=21))
    answer = shopper.confirm(checkout_id, world, KEY, email="ada@example.com")
    assert answer.status_code == 201
    assert answer.json()["data"]["order"]["orderId"] == str(placed.id)
    assert answer.json()["data"]["payment"]["paymentUrl"]
    assert (Order.objects.count(), PaymentAttempt.objects.count(), len(billing.sessions)) == (1, 1, 1)
    check_books()


def test_a_process_killed_after_billing_answered_leaves_the_same_order(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    first = shopper.confirm(checkout_id, world, KEY).json()
    IdempotencyKey.objects.update(status=None, answer=None)
    again = shopper.confirm(checkout_id, world, KEY)
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["data"]["payment"] == first["data"]["payment"]
    assert billing.calls["open"] == 1


def from_cart(shopper: Shopper, world: World, key: str = "", **changes: Any) -> Any:
    body = {"cartItems": cart([(world.mug, 2)])} | shopper.buyer(world, **changes)
    return shopper.post("/orders/create-from-cart", body, **({"Idempotency-Key": key} if key else {}))


def test_create_from_cart_repeats_its_answer_and_opens_no_second_checkout(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    first, again = (from_cart(shopper, world, KEY) for _ in range(2))
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert (Order.objects.count(), CheckoutSession.objects.count()) == (1, 1)


def test_create_from_cart_with_another_cart_is_refused(world: World, billing: BillingService, shopper: Shopper) -> None:
    from_cart(shopper, world, KEY)
    answer = from_cart(shopper, world, KEY, cartItems=cart([(world.mug, 3)]))
    assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_key_of_confirm_is_another_for_create_from_cart(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shopper.confirm(checkout_id, world, KEY)
    assert "Idempotent-Replayed" not in from_cart(shopper, world, KEY)
