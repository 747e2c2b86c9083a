"""Customers and accounts, as staff see and change them."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from core.money import ZERO
from customers.groups import OPS, SHOP_STAFF, create_groups
from customers.models import Customer, User
from customers.services import record_paid_order
from tests.admin_lists import list_of, queries_of
from tests.customers.member import logged_in
from tests.factories import NOW, PASSWORD, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


def log_in(client: Client, group: str) -> None:
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)


def form_of(customer: Customer, **changes: str) -> dict[str, str]:
    fields = {
        "email": customer.email,
        "type": "guest",
        "status": "active",
        "addresses-TOTAL_FORMS": "0",
        "addresses-INITIAL_FORMS": "0",
    }
    return fields | changes


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("model", ["customers/customer", "customers/address", "customers/user"])
def test_a_list_takes_as_many_queries_for_30_rows_as_for_3(admin_client: Client, model: str, rows: int) -> None:
    for customer in CustomerFactory.create_batch(rows):
        customer.user = User.objects.create_user(customer.email)
        customer.save()
        customer.addresses.create(kind="shipping", line1="1 High Street", city="London", postal_code="N1", country="GB")
    expected = {"customers/customer": 4, "customers/address": 3, "customers/user": 4}
    assert queries_of(admin_client, model) == expected[model]


def test_customers_are_found_by_the_begin_of_their_address_in_any_case(admin_client: Client) -> None:
    CustomerFactory.create(email="Ada@Example.com")
    CustomerFactory.create(email="grace@example.com")
    page = list_of(admin_client, "customers/customer", q="ADA@ex")
    assert "Ada@Example.com" in page
    assert "grace@example.com" not in page


def test_what_stands_for_anything_in_sql_is_searched_for_as_it_is(admin_client: Client) -> None:
    CustomerFactory.create(email="ada@example.com")
    assert "ada@example.com" not in list_of(admin_client, "customers/customer", q="%")


def test_shop_staff_correct_a_customer_and_the_totals_stay(client: Client) -> None:
    log_in(client, SHOP_STAFF)
    customer = CustomerFactory.create(first_name="Adda")
    record_paid_order(customer_id=customer.pk, total=ZERO + 30, placed_at=NOW)
    path = f"/admin/customers/customer/{customer.pk}/change/"
    assert client.post(path, form_of(customer, first_name="Ada", total_spent="0", total_orders="9")).status_code == 302
    customer.refresh_from_db()
    assert (customer.first_name, customer.total_orders) == ("Ada", 1)
    assert customer.total_spent == 30


def test_two_customers_cannot_have_one_address_in_two_cases(admin_client: Client) -> None:
    CustomerFactory.create(email="ada@example.com")
    other = CustomerFactory.create()
    path = f"/admin/customers/customer/{other.pk}/change/"
    assert admin_client.post(path, form_of(other, email="ADA@example.com")).status_code == 200
    other.refresh_from_db()
    assert other.email != "ADA@example.com"


@pytest.mark.parametrize("path", ["customers/customer/", "customers/user/", "auth/group/", "checkout/coupon/"])
def test_ops_do_not_see(client: Client, path: str) -> None:
    log_in(client, OPS)
    assert client.get(f"/admin/{path}").status_code == 403


@pytest.mark.parametrize("path", ["customers/user/", "auth/group/", "orders/webhookendpoint/"])
def test_shop_staff_do_not_see(client: Client, path: str) -> None:
    log_in(client, SHOP_STAFF)
    assert client.get(f"/admin/{path}").status_code == 403


def test_a_customer_without_staff_rights_is_sent_to_the_login(client: Client) -> None:
    client.force_login(UserFactory.create())
    assert client.get("/admin/customers/customer/").status_code == 302


def test_an_account_is_made_by_e_mail_and_can_log_in(admin_client: Client, client: Client) -> None:
    fields = {"email": "new@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert admin_client.post("/admin/customers/user/add/", fields).status_code == 302
    assert client.login(username="new@example.com", password=PASSWORD)


def test_an_account_is_changed_and_keeps_its_password(admin_client: Client, client: Client) -> None:
    user = UserFactory.create()
    fields = {"email": user.email, "first_name": "Ada", "is_active": "on", "date_joined_0": "2026-01-01"}
    assert admin_client.get(f"/admin/customers/user/{user.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/customers/user/{user.pk}/change/", fields).status_code == 302
    assert User.objects.get(pk=user.pk).first_name == "Ada"
    assert client.login(username=user.email, password=PASSWORD)


def test_a_password_is_set_on_its_own_page(admin_client: Client, client: Client) -> None:
    user = UserFactory.create()
    fields: dict[str, Any] = {"password1": "another-horse-91", "password2": "another-horse-91"}
    assert admin_client.post(f"/admin/customers/user/{user.pk}/password/", fields).status_code == 302
    assert client.login(username=user.email, password="another-horse-91")


def test_blocking_a_customer_ends_the_logins_of_the_account(client: Client) -> None:
    log_in(client, SHOP_STAFF)
    ada = logged_in()
    path = f"/admin/customers/customer/{ada.customer.pk}/change/"
    assert client.post(path, form_of(ada.customer, type="registered", status="blocked")).status_code == 302
    assert ada.account().status_code == 401
    assert client.post(path, form_of(ada.customer, type="registered", status="active")).status_code == 302
    assert ada.log_in().status_code == 200


def test_nobody_but_its_owner_changes_the_address_of_an_account(admin_client: Client) -> None:
    ada = logged_in()
    user = User.objects.get(email=ada.email)
    admin_client.post(
        f"/admin/customers/customer/{ada.customer.pk}/change/", form_of(ada.customer, email="x@y.example")
    )
    fields = {"email": "x@y.example", "is_active": "on", "date_joined_0": "2026-01-01"}
    admin_client.post(f"/admin/customers/user/{user.pk}/change/", fields)
    user.refresh_from_db()
    assert (user.email, ada.customer.email) == (ada.email, ada.email)
