"""Staff who answer customers: what is held of one is given out and erased on the customer's page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from customers.models import Customer, User
from orders.models import Order
from tests.analytics.staff import logged_in, member
from tests.billing_server import BillingService
from tests.factories import CustomerFactory, OrderFactory, UserFactory
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db
CUSTOMERS, ANSWER = "customers.view_customer", "customers.erase_customer"
EMAIL = "ada@example.com"
LIST = "/admin/customers/customer/"


@pytest.fixture
def customer() -> Customer:
    """With an account, and an order that cannot be without its customer."""
    found = CustomerFactory.create(email=EMAIL, first_name="Mark-first", user=UserFactory.create(email=EMAIL))
    OrderFactory.create(customer=found, email=EMAIL)
    return found


@pytest.fixture
def privacy() -> Client:
    return logged_in(member(CUSTOMERS, ANSWER))


def path_of(customer: Customer, name: str = "change") -> str:
    return f"{LIST}{customer.pk}/{name}/"


def erase(client: Client, customer: Customer) -> Any:
    return client.post(path_of(customer, "erase"), {"_form_submitted": "True"})


def test_a_customer_is_erased_and_the_log_says_so_without_a_name(privacy: Client, customer: Customer) -> None:
    assert erase(privacy, customer).headers["HX-Redirect"] == path_of(customer)
    customer.refresh_from_db()
    assert (customer.first_name, customer.user, Order.objects.get().email) == ("", None, "")
    assert not User.objects.with_email(EMAIL).exists()
    entry = LogEntry.objects.get()
    assert "erased. Held was: customer: 1, account: 1, orders: 1" in entry.change_message
    assert (EMAIL in entry.object_repr, entry.object_id) == (False, str(customer.pk))


def test_of_whom_nothing_is_left_the_list_comes_next_and_the_log_still_says_so(privacy: Client) -> None:
    customer = CustomerFactory.create(email=EMAIL)
    assert erase(privacy, customer).headers["HX-Redirect"] == LIST
    assert not Customer.objects.exists()
    assert LogEntry.objects.get().object_id == str(customer.pk)


@pytest.mark.django_db(transaction=True)
def test_an_order_that_waits_for_money_is_cancelled(privacy: Client, world: World, billing: BillingService) -> None:
    Shopper().order(world, (world.mug, 1))
    order = Order.objects.get()
    assert order.customer is not None
    erase(privacy, order.customer)
    order.refresh_from_db()
    assert (order.status, order.email) == ("cancelled", "")


def test_it_is_asked_before(privacy: Client, customer: Customer) -> None:
    assert b"for good?" in privacy.get(path_of(customer, "erase")).content
    assert Customer.objects.with_email(EMAIL).exists()


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}], ids=["staff", "superuser"])
def test_an_account_of_staff_is_not_erased(privacy: Client, customer: Customer, rights: dict[str, bool]) -> None:
    User.objects.filter(email=EMAIL).update(**rights)
    assert erase(privacy, customer).status_code == 200
    assert b"account of staff" in privacy.get(path_of(customer)).content
    assert Customer.objects.with_email(EMAIL).exists()
    assert not LogEntry.objects.exists()


def test_what_is_held_is_given_out_as_a_file(privacy: Client, customer: Customer) -> None:
    answer = privacy.get(path_of(customer, "give_out"))
    assert answer["Content-Disposition"] == 'attachment; filename="customer.json"'
    held = answer.json()["held"]
    assert (held["customer"][0]["email"], len(held["orders"])) == (EMAIL, 1)


def test_what_was_erased_is_neither_given_out_nor_erased_again(privacy: Client, customer: Customer) -> None:
    erase(privacy, customer)
    assert privacy.get(path_of(customer, "give_out")).status_code == 302
    assert erase(privacy, customer).status_code == 200
    assert b"erased already" in privacy.get(path_of(customer)).content
    assert LogEntry.objects.count() == 1


def test_others_see_no_buttons(privacy: Client, customer: Customer) -> None:
    assert b"/give_out/" in privacy.get(path_of(customer)).content
    assert b"/give_out/" not in logged_in(member(CUSTOMERS)).get(path_of(customer)).content
