"""What makes two requests the same, and what makes a key used: held by the database, in a race as well."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from checkout.models import IdempotencyKey
from checkout.services.keys import (
    IdempotencyKeyReusedError,
    Key,
    KeyTakenError,
    claim,
    owner_name,
    remember_answer,
    taken,
)
from checkout.services.opening import Owner
from core.clock import now
from orders.models import Order
from tests.billing_server import BillingService
from tests.factories import OrderFactory
from tests.world import Shopper, World, cart, check_books, together

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7, minutes=1)


def key(owner: str = "ada", body: str = "mug", path: str = "/confirm") -> Key:
    return Key(path=path, value="K", fingerprint=body, owner=owner)


def claimed(one: Key, *, ago: timedelta = timedelta(0)) -> Order:
    """The order of a key that was claimed some time ago."""
    order = OrderFactory()
    claim(one, order_id=order.id, now=now() - ago)
    return order


def is_new(one: Key) -> bool:
    try:
        with transaction.atomic():
            claimed(one)
    except KeyTakenError:
        return False
    return True


@pytest.mark.parametrize(
    ("second", "new"),
    [
        (key(), False),
        (key(owner="bob"), False),
        (key(body="tea"), False),
        (key(owner="bob", body="tea"), True),
        (key(path="/cart"), True),
    ],
    ids=["the same", "the same by another", "another body", "another body by another", "another path"],
)
def test_a_key_is_taken_by_its_request_and_by_its_owner(second: Key, new: bool) -> None:
    claimed(key())
    assert is_new(second) is new


def test_the_same_request_by_another_is_the_first_order() -> None:
    order = claimed(key())
    assert taken(key(owner="bob"), now=now())[1] == order


def test_another_body_by_the_same_owner_is_a_mistake() -> None:
    claimed(key())
    with pytest.raises(IdempotencyKeyReusedError):
        taken(key(body="tea"), now=now())


def test_a_request_that_came_before_goes_before_the_owners_other_one() -> None:
    order = claimed(key(owner="ada", body="mug"))
    claimed(key(owner="bob", body="tea"))
    assert taken(key(owner="bob", body="mug"), now=now())[1] == order


@pytest.mark.parametrize("old", [key(), key(owner="bob"), key(body="tea")])
def test_a_key_older_than_7_days_is_in_nobodys_way(old: Key) -> None:
    claimed(old, ago=WEEK)
    assert is_new(key())
    assert IdempotencyKey.objects.get().fingerprint == "mug"


def test_two_old_keys_are_both_forgotten() -> None:
    claimed(key(owner="bob"), ago=WEEK)
    claimed(key(body="tea"), ago=WEEK)
    assert is_new(key())
    assert IdempotencyKey.objects.count() == 1


def test_an_old_key_does_not_hide_one_of_these_days() -> None:
    claimed(key(body="tea"), ago=WEEK)
    order = claimed(key(owner="bob"))
    assert not is_new(key())
    assert taken(key(), now=now())[1] == order


def test_an_old_key_does_not_answer_for_one_of_these_days() -> None:
    claimed(key(owner="bob"), ago=WEEK)
    claimed(key(body="tea"))
    assert not is_new(key())
    with pytest.raises(IdempotencyKeyReusedError):
        taken(key(), now=now())


def test_the_first_answer_that_is_kept_stays() -> None:
    order = claimed(key())
    remember_answer(order, status=201, answer={"order": "pending"})
    remember_answer(order, status=502, answer={"order": "cancelled"})
    row = IdempotencyKey.objects.get()
    assert (row.status, row.answer) == (201, {"order": "pending"})


def test_a_customers_keys_are_theirs_on_every_device() -> None:
    customer, visitor = uuid4(), uuid4()
    phone, desk = (Owner(session_id=uuid4(), visitor_id=visitor, customer_id=customer) for _ in range(2))
    assert owner_name(phone) == owner_name(desk)


def test_without_a_login_they_are_the_visits() -> None:
    one, other = (Owner(session_id=uuid4(), visitor_id=uuid4()) for _ in range(2))
    assert owner_name(one) != owner_name(other)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [({"owner": "bob"}, "idempotent_request_once"), ({"fingerprint": "tea"}, "idempotency_key_once_an_owner")],
)
def test_the_database_holds_both(changes: dict[str, str], constraint: str) -> None:
    row = {"path": "/confirm", "key": "K", "fingerprint": "mug", "owner": "ada"}
    IdempotencyKey.objects.create(**row)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        IdempotencyKey.objects.create(**row | changes)


def outcomes(answers: list[Any]) -> Counter[str]:
    """How often each happened: `ok`, or the code of the refusal."""
    return Counter("ok" if answer.status_code == 201 else answer.json()["error"] for answer in answers)


def race(number: int, world: World, shopper: Shopper) -> list[Any]:
    """The same request at once, so often, each by a session of its own."""
    body = {"cartItems": cart([(world.mug, 1)])} | shopper.buyer(world)
    return together(number, lambda _place: Shopper().post("/orders/create-from-cart", body, **{"Idempotency-Key": "K"}))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_50_sessions_with_one_request_make_one_order(world: World, billing: BillingService, shopper: Shopper) -> None:
    answers = race(50, world, shopper)
    found = outcomes(answers)
    assert set(found) <= {"ok", "IDEMPOTENCY_CONFLICT"}
    assert len({answer.json()["data"]["order"]["orderId"] for answer in answers if answer.status_code == 201}) == 1
    assert (Order.objects.count(), IdempotencyKey.objects.count(), len(billing.sessions)) == (1, 1, 1)
    check_books()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_control_without_the_constraint_they_make_many(world: World, billing: BillingService, shopper: Shopper) -> None:
    (constraint,) = (one for one in IdempotencyKey._meta.constraints if one.name == "idempotent_request_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(IdempotencyKey, constraint)
    try:
        race(5, world, shopper)
        assert Order.objects.count() > 1
    finally:
        IdempotencyKey.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(IdempotencyKey, constraint)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_one_shopper_with_one_key_and_many_bodies_places_one(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    token = str(shopper.visit()["token"])

    def order(place: int) -> Any:
        body = {"cartItems": cart([(world.mug, 1)])} | shopper.buyer(world, firstName=f"Ada {place}")
        tab = Shopper(**{"x-visitor-session": token})
        return tab.post("/orders/create-from-cart", body, **{"Idempotency-Key": "K"})

    assert outcomes(together(10, order)) == {"ok": 1, "IDEMPOTENCY_KEY_REUSED": 9}
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_many_that_find_an_old_key_make_one_new_order(world: World, billing: BillingService, shopper: Shopper) -> None:
    race(1, world, shopper)
    IdempotencyKey.objects.update(created_at=now() - WEEK)
    race(10, world, shopper)
    assert (Order.objects.count(), IdempotencyKey.objects.count()) == (2, 1)
