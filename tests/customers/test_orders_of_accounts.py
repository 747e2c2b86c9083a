"""Whose an order is: the customer's who is logged in, whatever address is typed; a guest's once it is proven."""

import pytest

from customers.models import Customer
from orders.models import Order
from tests.billing_server import BillingService
from tests.customers.member import OTHER_PASSWORD, Member, logged_in, mails, member, proven, token_in
from tests.factories import CustomerFactory
from tests.world import Shopper, World, cart

pytestmark = pytest.mark.django_db(transaction=True)
ADA = "ada@example.com"


def test_a_guest_sees_their_orders_after_registering_and_proving(world: World, billing: BillingService) -> None:
    guest = Shopper()
    guest.email = ADA
    number = guest.order(world).number
    ada = Member(ADA)
    ada.register()
    assert ada.order_numbers() == []
    ada.verify(token_in(mails()[-1]))
    assert ada.order_numbers() == []
    ada.log_in()
    assert ada.order_numbers() == [number]


def test_orders_of_one_account_are_nobody_elses(world: World, billing: BillingService) -> None:
    ada = logged_in(ADA)
    order = ada.order(world)
    grace = logged_in("grace@example.com")
    assert grace.order_numbers() == []
    assert grace.get(f"/orders/{order.id}").status_code == 404
    elsewhere = Member(ADA)
    assert elsewhere.get(f"/orders/{order.id}").status_code == 404
    elsewhere.log_in()
    assert elsewhere.get(f"/orders/{order.id}").status_code == 200


def test_after_the_logout_the_browser_shows_nothing_of_it(world: World, billing: BillingService) -> None:
    ada = logged_in(ADA)
    order = ada.order(world)
    ada.post("/storefront/auth/logout")
    assert ada.order_numbers() == []
    assert ada.get(f"/orders/{order.id}").status_code == 404


@pytest.mark.parametrize("typed", ["friend@example.com", "new@example.com"], ids=["a customer's", "nobody's"])
def test_an_order_is_the_customers_who_is_logged_in(world: World, billing: BillingService, typed: str) -> None:
    CustomerFactory.create(email="friend@example.com")
    ada = logged_in(ADA)
    ada.buy(world, email=typed)
    order = Order.objects.get()
    assert (order.customer, order.email) == (ada.customer, typed)
    assert not Customer.objects.with_email("new@example.com").exists()
    assert ada.order_numbers() == [order.number]


def test_who_logs_in_during_the_checkout_orders_as_a_customer(world: World, billing: BillingService) -> None:
    ada = member(ADA)
    checkout_id = ada.checkout((world.mug, 1))
    ada.log_in()
    assert ada.confirm(checkout_id, world, email="friend@example.com").status_code == 201
    assert Order.objects.get().customer == ada.customer


def test_a_guest_order_changes_no_profile_and_logs_nobody_in(world: World, billing: BillingService) -> None:
    ada = proven(ADA)
    ada.log_in()
    ada.change(firstName="Ada", phone="123")
    stranger = Shopper()
    stranger.email = ADA
    stranger.buy(world, firstName="Mallory", phone="666")
    assert (ada.customer.first_name, ada.customer.phone) == ("Ada", "123")
    assert stranger.get("/storefront/account").status_code == 401


@pytest.mark.parametrize("call", ["/checkout/initiate", "/orders/create-from-cart"])
def test_a_visit_whose_login_was_ended_is_not_told_of_the_accounts_order(
    call: str, world: World, billing: BillingService
) -> None:
    thief = logged_in(ADA)
    ada = Member(ADA)
    ada.ask_for_reset()
    ada.reset(token_in(mails()[-1]), OTHER_PASSWORD)
    ada.log_in(OTHER_PASSWORD)
    ada.order(world, (world.mug, 10))
    thief.csrf = ""
    answer = thief.post(call, {"cartItems": cart([(world.mug, 1)])} | thief.buyer(world, email="thief@example.com"))
    assert answer.json()["error"] == "OUT_OF_STOCK"
    assert "pendingOrder" not in answer.json()["details"]


def test_a_visit_is_no_login_a_thief_of_it_is_out_with_the_password(world: World, billing: BillingService) -> None:
    """The visit of a browser goes on after its login was ended elsewhere; it then orders as a guest."""
    thief = logged_in(ADA)
    checkout_id = thief.checkout((world.mug, 1))
    ada = Member(ADA)
    ada.ask_for_reset()
    ada.reset(token_in(mails()[-1]), OTHER_PASSWORD)
    assert thief.visit()["type"] == "CUSTOMER"
    thief.csrf = ""
    assert thief.confirm(checkout_id, world, email="thief@example.com").status_code == 201
    ada.log_in(OTHER_PASSWORD)
    assert ada.order_numbers() == []
