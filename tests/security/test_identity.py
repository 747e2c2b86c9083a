"""An e-mail address is not an identity: letters that look alike, and orders that are placed under somebody's address.

The published ways to hijack an account before its owner comes are in tests/customers/test_hijacking.py; that answers
tell nothing, in tests/customers/test_alike.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.core.mail.message import sanitize_address
from rest_framework import serializers

from core.serializers import EmailField
from customers.emails import normal_email
from customers.models import Customer, User
from orders.models import Order
from tests.billing_server import BillingService
from tests.customers.member import OTHER_PASSWORD, Member, logged_in, mails, member, proven, token_in
from tests.factories import PASSWORD, CustomerFactory, OrderFactory
from tests.world import Shopper, World, cart

pytestmark = pytest.mark.django_db
KELVIN, DOTTED, DOTLESS, LONG_S = "\u212a", "\u0130", "\u0131", "\u017f"
LOOK_ALIKES = {
    "Kelvin's K": f"{KELVIN}iki@example.com",
    "a dotted I": f"k{DOTTED}ki@example.com",
    "a dotless i": f"k{DOTLESS}ki@example.com",
    "a long s": f"ki{LONG_S}ki@example.com",
    "a Cyrillic letter": "k\u0456ki@example.com",
    "wide letters": "\uff4biki@example.com",
}
"""To PostgreSQL the first two are k and i; to the check of addresses, the first four are letters from A to Z."""
KIKI = "kiki@example.com"
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "register": ("/storefront/auth/register", {"password": PASSWORD}),
    "login": ("/storefront/auth/login", {"password": PASSWORD}),
    "reset": ("/storefront/auth/password/reset", {}),
}


def guest_of(world: World, email: str = KIKI) -> Order:
    """What somebody ordered without an account."""
    guest = Shopper()
    guest.email = email
    return guest.order(world)


# Letters --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
@pytest.mark.parametrize("name", PLACES)
def test_an_address_that_looks_like_another_is_none(name: str, written: str) -> None:
    member(KIKI)
    path, more = PLACES[name]
    answer = Shopper().post(path, {"email": written} | more)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["email"])


@pytest.mark.parametrize("written", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_nobody_orders_or_moves_to_an_address_that_looks_like_another(
    written: str, world: World, billing: BillingService
) -> None:
    mallory = logged_in("mallory@example.com")
    assert mallory.change(email=written, currentPassword=PASSWORD).status_code == 400
    assert mallory.confirm(mallory.checkout((world.mug, 1)), world, email=written).status_code == 400
    whole = mallory.buyer(world, email=written) | {"cartItems": cart([(world.mug, 1)])}
    assert mallory.post("/orders/create-from-cart", whole).status_code == 400
    assert not Order.objects.exists()


def test_the_control_who_proves_an_address_that_looks_like_a_guests_would_get_the_guests_orders(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail servers tell a K from Kelvin's K, and so may give out both mailboxes."""
    monkeypatch.setattr(EmailField, "run_validators", serializers.EmailField.run_validators)
    number = guest_of(world).number
    mallory = proven(LOOK_ALIKES["Kelvin's K"])
    mallory.log_in()
    assert mallory.order_numbers() == [number]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ada@\uff45xample.com", "ada@example.com"),
        ("ada@example\u3002co.uk", "ada@example.co.uk"),
        ("ada@example\uff0eco.uk", "ada@example.co.uk"),
        ("ada@EX\u00c4MPLE.com", "ada@ex\u00e4mple.com"),
        ("ada@\u017fhop.com", "ada@shop.com"),
        ("A.da+mugs@example.com", "A.da+mugs@example.com"),
    ],
)
def test_a_domain_that_mail_takes_for_another_is_written_as_that(written: str, kept: str) -> None:
    """Who could have two accounts with one mailbox could go round what is kept by address."""
    assert normal_email(written) == kept == normal_email(kept)
    assert sanitize_address(written, "utf-8").lower() == sanitize_address(kept, "utf-8").lower()


@pytest.mark.parametrize(
    "written", ["k.iki@example.com", "kiki+mugs@example.com", "kiki@example.org", "kiki@xn--exmple-cua.com"]
)
def test_what_a_mail_server_may_deliver_elsewhere_is_somebody_else(
    written: str, world: World, billing: BillingService
) -> None:
    number = guest_of(world).number
    other = proven(written)
    other.log_in()
    assert other.order_numbers() == []
    kiki = proven(KIKI)
    kiki.log_in()
    assert kiki.order_numbers() == [number]


@pytest.mark.parametrize(
    "written", [" kiki@example.com ", "KIKI@EXAMPLE.COM", "Kiki@Example.com\n", "kiki@\uff45xample.com"]
)
def test_in_any_spelling_it_is_one_account(written: str) -> None:
    member(KIKI)
    assert Member(written).log_in().status_code == 200
    Member(written).register(OTHER_PASSWORD)
    assert ["/verify#" in str(message.body) for message in mails()] == [False]
    assert User.objects.count() == Customer.objects.count() == 1


# Guests ---------------------------------------------------------------------------------------------------------------


def test_whoever_orders_under_somebodys_address_sees_nothing_of_theirs(world: World, billing: BillingService) -> None:
    kiki = logged_in(KIKI)
    theirs = kiki.order(world)
    mallory = Shopper()
    mallory.email = KIKI
    mine = mallory.order(world)
    listed = mallory.get("/orders").json()["data"]["items"]
    assert [order["number"] for order in listed] == [mine.number]
    assert mallory.get(f"/orders/{theirs.pk}").status_code == 404
    assert mallory.visit()["customerId"] is None
    assert mallory.get("/storefront/account").status_code == 401


def test_the_account_sees_what_was_ordered_under_its_address_but_the_visit_stays_the_guests(
    world: World, billing: BillingService
) -> None:
    kiki = logged_in(KIKI)
    placed = guest_of(world)
    assert kiki.order_numbers() == [placed.number]
    checkout = Shopper().checkout((world.mug, 1))
    assert kiki.get(f"/checkout/{checkout}").status_code == 404


@pytest.mark.parametrize("step", ["register", "reset", "wrong proof"])
def test_no_step_before_the_proof_gives_a_guests_orders(step: str, world: World, billing: BillingService) -> None:
    guest_of(world)
    mallory = Member(KIKI)
    mallory.register(PASSWORD)
    if step == "reset":
        mallory.ask_for_reset()
    if step == "wrong proof":
        assert mallory.verify(token_in(mails()[-1]), OTHER_PASSWORD).status_code == 401
    assert mallory.order_numbers() == []
    assert mallory.log_in().status_code == 401


def test_an_account_that_staff_made_is_nobodys_before_its_owner_proved_the_address(
    world: World, billing: BillingService
) -> None:
    """Staff may have chosen its password, or mistyped the address."""
    guest_of(world)
    User.objects.create_user(email=KIKI, password=PASSWORD)
    assert Member(KIKI).log_in().status_code == 401
    kiki = Member(KIKI)
    kiki.ask_for_reset()
    assert kiki.reset(token_in(mails()[-1])).status_code == 200
    assert kiki.log_in(OTHER_PASSWORD).status_code == 200
    assert len(kiki.order_numbers()) == 1
    assert Member(KIKI).log_in(PASSWORD).status_code == 401


def test_a_changed_address_ends_what_was_sent_to_the_one_before() -> None:
    """A link to a new password that waits in the mailbox that was left opens nothing."""
    ada = logged_in("ada@example.com")
    ada.ask_for_reset()
    link = token_in(mails()[-1])
    ada.change(email="new@example.com", currentPassword=PASSWORD)
    proof = token_in(next(message for message in mails() if message.to == ["new@example.com"]))
    assert ada.verify(proof, PASSWORD).status_code == 200
    assert Member().reset(link).status_code == 400


def test_an_erased_accounts_address_begins_with_nothing(world: World, billing: BillingService) -> None:
    kiki = logged_in(KIKI)
    kiki.buy(world)
    OrderFactory.create(customer=CustomerFactory.create(email="other@example.com"))
    assert kiki.call("delete", "/storefront/account", {"currentPassword": PASSWORD}).status_code == 200
    again = proven(KIKI)
    again.log_in()
    assert again.order_numbers() == []
