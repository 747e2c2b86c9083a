"""One request makes one order, and is answered again to whoever repeats it with its key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from checkout.models import CheckoutSession, IdempotencyKey
from core.clock import now
from orders.models import Order, PaymentAttempt
from orders.services import cancel_order
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import Shopper, World, cart, check_books, together, window_ends

pytestmark = pytest.mark.django_db

KEY = "6f1c9a52-first"


def cancel_now(order: Order) -> None:
    cancel_order(order_id=order.id, actor="test", now=now())


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


def test_two_shoppers_with_one_key_are_each_answered_their_own(world: World, billing: BillingService) -> None:
    shoppers = [Shopper(), Shopper()]
    first = [from_cart(one, world, KEY).json() for one in shoppers]
    assert [from_cart(one, world, KEY).json() for one in shoppers] == first
    assert (Order.objects.count(), IdempotencyKey.objects.count()) == (2, 2)


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


def test_an_order_of_nothing_to_pay_is_answered_at_once_though_its_answer_was_lost(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    free = CouponFactory(value=Decimal(100))
    world.method.price = Decimal(0)
    world.method.save()
    first = from_cart(shopper, world, KEY, couponCode=free.code)
    IdempotencyKey.objects.update(status=None, answer=None)  # as a process leaves it that dies before the answer
    again = from_cart(shopper, world, KEY, couponCode=free.code)
    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.json() == first.json()
    assert again.json()["data"]["order"]["paymentStatus"] == "paid"
    assert (Order.objects.count(), billing.calls["open"]) == (1, 0)


@pytest.mark.parametrize(
    ("end", "status"), [(cancel_now, "cancelled"), (window_ends, "pending")], ids=["cancelled", "window passed"]
)
def test_an_order_that_can_no_longer_be_paid_is_answered_as_it_is(
    end: Callable[[Order], Any], status: str, world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    billing.knob("open", down=True)
    shopper.confirm(checkout_id, world, KEY)
    IdempotencyKey.objects.update(status=None, answer=None, created_at=now() - timedelta(seconds=21))
    billing.well()
    end(Order.objects.get())
    again = shopper.confirm(checkout_id, world, KEY)
    assert again.status_code == 201
    assert (again.json()["data"]["order"]["status"], again.json()["data"]["session"]["canRetry"]) == (status, False)
    assert again.json()["data"]["payment"] == {"attempt": None, "paymentUrl": None}
    assert billing.calls["open"] == 1


@pytest.mark.django_db(transaction=True)
def test_an_order_cancelled_while_billing_is_asked_is_answered_as_cancelled(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    billing.knob("open", delay=1, acts=True)

    def cancel() -> None:
        deadline = time.monotonic() + 20
        while not billing.calls["open"] and time.monotonic() < deadline:
            time.sleep(0.01)
        cancel_order(order_id=Order.objects.get().id, actor="test", now=now())

    answer, _cancelled = together(2, lambda place: cancel() if place else shopper.confirm(checkout_id, world, KEY))
    assert answer.status_code == 201, answer.json()
    assert answer.json()["data"]["order"]["status"] == "cancelled"
    assert answer.json()["data"]["payment"] == {"attempt": None, "paymentUrl": None}
    assert shopper.confirm(checkout_id, world, KEY).json() == answer.json()
    check_books()


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


FROM_CART = """
import django, json, sys
django.setup()
from tests.world import Shopper
Shopper().post("/orders/create-from-cart", json.loads(sys.argv[1]), **{"Idempotency-Key": sys.argv[2]})
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


def placed_and_killed(billing: BillingService, other_process: dict[str, str], script: str, *arguments: str) -> Order:
    """The order of a process that was killed while it waited for billing: the order is stored, nobody was told."""
    billing.knob("open", delay=3, acts=True)
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], env=other_process)
    deadline = time.monotonic() + 30
    while not billing.calls["open"] and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    billing.well()
    return Order.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_between_commit_and_answer_leaves_one_order(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str, token: str, other_process: dict[str, str]
) -> None:
    placed = placed_and_killed(billing, other_process, SCRIPT, checkout_id, str(world.method.id), token, KEY)
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


def test_without_a_session_the_same_request_is_still_one_order(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    server = [Shopper(), Shopper(), Shopper()]  # a shop rendered on a server: each request begins a session
    for one in server:
        one.email = shopper.email
    answers = [from_cart(one, world, KEY) for one in server]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert [answer.json() for answer in answers[1:]] == [answers[0].json()] * 2
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert (Order.objects.count(), billing.calls["open"]) == (1, 1)


def test_the_token_that_is_answered_again_opens_the_order(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    from_cart(shopper, world, KEY)
    later = Shopper()
    later.email = shopper.email
    data = from_cart(later, world, KEY).json()["data"]
    read = Shopper().get(f"/orders/{data['order']['orderId']}", **{"X-Order-Token": data["orderToken"]})
    assert read.status_code == 200


def test_who_knows_the_key_alone_learns_nothing(world: World, billing: BillingService, shopper: Shopper) -> None:
    first = from_cart(shopper, world, KEY).json()["data"]
    guess = from_cart(Shopper(), world, KEY)
    assert "Idempotent-Replayed" not in guess
    assert guess.json()["data"]["order"]["orderId"] != first["order"]["orderId"]


def test_a_confirmed_checkout_is_answered_again_to_another_session(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    first = shopper.confirm(checkout_id, world, KEY)
    later = Shopper()
    later.email = shopper.email
    assert later.confirm(checkout_id, world, KEY).json() == first.json()
    assert refusal(later.confirm(checkout_id, world)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("age", "orders"), [(timedelta(days=6, hours=23), 1), (timedelta(days=7, minutes=1), 2)])
def test_without_a_session_too_a_key_is_kept_for_7_days(
    age: timedelta, orders: int, world: World, billing: BillingService, shopper: Shopper
) -> None:
    from_cart(shopper, world, KEY)
    IdempotencyKey.objects.update(created_at=now() - age)
    later = Shopper()
    later.email = shopper.email
    assert from_cart(later, world, KEY).status_code == 201
    assert Order.objects.count() == orders


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_without_a_session_leaves_one_order(
    world: World, billing: BillingService, shopper: Shopper, other_process: dict[str, str]
) -> None:
    body = {"cartItems": cart([(world.mug, 2)])} | shopper.buyer(world)
    placed = placed_and_killed(billing, other_process, FROM_CART, json.dumps(body), KEY)
    assert refusal(from_cart(shopper, world, KEY)) == (409, "IDEMPOTENCY_CONFLICT")
    IdempotencyKey.objects.update(created_at=now() - timedelta(seconds=21))
    answer = from_cart(shopper, world, KEY)
    assert (answer.status_code, answer.json()["data"]["order"]["orderId"]) == (201, str(placed.id))
    assert (Order.objects.count(), PaymentAttempt.objects.count(), len(billing.sessions)) == (1, 1, 1)
    check_books()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_key_kept_with_the_order_it_leaves_two(
    world: World, billing: BillingService, shopper: Shopper, other_process: dict[str, str]
) -> None:
    body = {"cartItems": cart([(world.mug, 2)])} | shopper.buyer(world)
    placed_and_killed(billing, other_process, FROM_CART, json.dumps(body), KEY)
    IdempotencyKey.objects.all().delete()
    assert from_cart(shopper, world, KEY).status_code == 201
    assert Order.objects.count() == 2


def test_a_key_of_confirm_is_another_for_create_from_cart(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shopper.confirm(checkout_id, world, KEY)
    assert "Idempotent-Replayed" not in from_cart(shopper, world, KEY)
