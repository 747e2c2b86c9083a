"""The rules of the payment window, as staff edit them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from customers.groups import OPS, SHOP_STAFF, create_groups
from customers.models import Customer, CustomerGroup
from orders.models import WindowRule
from tests.admin_lists import list_of, queries_of
from tests.factories import CategoryFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/orders/windowrule/add/"


def member(client: Client, group: str) -> Client:
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.set(Group.objects.filter(name=group))
    client.force_login(user)
    return client


def fields(**changes: Any) -> dict[str, Any]:
    usual = {"name": "VIP", "position": 10, "is_active": "on", "duration_minutes": 30, "max_attempts": 5}
    return usual | {"minimum_total": "100.00"} | changes


def test_shop_staff_make_a_rule(client: Client) -> None:
    vip = CustomerGroup.objects.create(name="VIP")
    answer = member(client, SHOP_STAFF).post(ADD, fields(customer_group=vip.pk))
    assert answer.status_code == 302
    rule = WindowRule.objects.get()
    assert (rule.customer_group, rule.duration_minutes, rule.max_attempts) == (vip, 30, 5)


def test_ops_may_not(client: Client) -> None:
    assert member(client, OPS).post(ADD, fields()).status_code == 403


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"minimum_total": ""}, "Give a category, a minimum total or a customer group"),
        ({"duration_minutes": 0}, "From 1 to 1440 minutes."),
        ({"max_attempts": 21}, "From 1 to 20 attempts."),
    ],
    ids=["no condition", "no time", "too many"],
)
def test_one_that_makes_no_sense_is_refused_in_words(admin_client: Client, changes: dict[str, Any], said: str) -> None:
    answer = admin_client.post(ADD, fields(**changes))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not WindowRule.objects.exists()


def test_the_list_is_the_precedence_and_says_what_holds_else(admin_client: Client) -> None:
    usual = {"duration_minutes": 5, "max_attempts": 1}
    WindowRule.objects.create(name="Second", position=20, minimum_total=100, **usual)
    WindowRule.objects.create(name="First", position=10, category=CategoryFactory.create(name="Flash"), **usual)
    page = list_of(admin_client, "orders/windowrule")
    assert page.index("First") < page.index("Second")
    assert "something of Flash" in page
    assert "from £100.00" in page
    assert "has 15 minutes and 3 attempts" in page


def test_rules_are_put_in_another_order_on_the_list(admin_client: Client) -> None:
    rule = WindowRule.objects.create(name="Big", position=20, minimum_total=1, duration_minutes=5, max_attempts=1)
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": rule.pk, "form-0-position": 5, "_save": "Save"}
    assert admin_client.post("/admin/orders/windowrule/", form).status_code == 302
    rule.refresh_from_db()
    assert (rule.position, rule.is_active) == (5, False)


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_takes_as_many_queries_for_30_rows_as_for_3(admin_client: Client, rows: int) -> None:
    for row in range(rows):
        WindowRule.objects.create(
            name=f"rule {row}", category=CategoryFactory.create(), duration_minutes=5, max_attempts=1
        )
    assert queries_of(admin_client, "orders/windowrule") <= 4


def test_staff_put_a_customer_into_a_group(admin_client: Client) -> None:
    vip, customer = CustomerGroup.objects.create(name="VIP"), CustomerFactory.create()
    path = f"/admin/customers/customer/{customer.pk}/change/"
    formset = {"addresses-TOTAL_FORMS": 0, "addresses-INITIAL_FORMS": 0}
    sent = {"email": customer.email, "type": "guest", "status": "active", "group": vip.pk} | formset
    assert admin_client.post(path, sent).status_code == 302
    assert Customer.objects.get().group == vip


def test_a_group_that_is_removed_takes_its_rules_along_and_leaves_its_customers() -> None:
    vip = CustomerGroup.objects.create(name="VIP")
    customer = CustomerFactory.create(group=vip)
    WindowRule.objects.create(name="VIP", customer_group=vip, duration_minutes=30, max_attempts=3)
    vip.delete()
    customer.refresh_from_db()
    assert (customer.group, WindowRule.objects.count()) == (None, 0)
