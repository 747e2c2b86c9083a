"""`POST ops/checkout-sessions/check`: for staff with the permission, and for nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from core.clock import now
from customers.groups import OPS, SHOP_STAFF, create_groups
from customers.models import User
from orders.models import Order, PaymentAttempt
from tests.analytics.staff import logged_in, member
from tests.billing_server import BillingService
from tests.factories import UserFactory
from tests.world import Shopper, World, check_books

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/ops/checkout-sessions/check"
PERMISSION = "orders.check_paymentattempt"


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    placed = shopper.order(world)
    PaymentAttempt.objects.update(next_poll_at=now() - timedelta(seconds=1))
    return placed


def test_nobody_is_not_authenticated_and_billing_is_not_asked(order: Order, billing: BillingService) -> None:
    response = Client().post(ADDRESS)
    assert (response.status_code, response.json()["error"]) == (401, "NOT_AUTHENTICATED")
    assert billing.calls["get"] == 0


def test_a_customer_is_refused(order: Order, billing: BillingService) -> None:
    response = logged_in(UserFactory()).post(ADDRESS)
    assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")
    assert billing.calls["get"] == 0


def test_staff_without_the_permission_are_refused(order: Order, billing: BillingService) -> None:
    response = logged_in(member("orders.view_order", "orders.view_paymentattempt")).post(ADDRESS)
    assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")
    assert billing.calls["get"] == 0


def test_staff_with_the_permission_ask_billing_now(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    response = logged_in(member(PERMISSION)).post(ADDRESS)
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "data": {"checked": 1, "stillOpen": 0, "changed": 1, "errors": {}},
    }
    assert response["Cache-Control"] == "no-store"
    assert Order.objects.get().status == "success"
    check_books()


def test_errors_are_answered_by_kind(order: Order, billing: BillingService) -> None:
    billing.knob("get", status=500)
    data = logged_in(member(PERMISSION)).post(ADDRESS).json()["data"]
    assert data == {"checked": 1, "stillOpen": 0, "changed": 0, "errors": {"server_error": 1}}


def test_a_page_of_another_site_cannot_have_staff_ask(order: Order, billing: BillingService) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member(PERMISSION))
    response = client.post(ADDRESS)
    assert (response.status_code, response.json()["error"]) == (403, "CSRF_FAILED")
    assert billing.calls["get"] == 0


def test_it_is_asked_by_post_alone() -> None:
    response = logged_in(member(PERMISSION)).get(ADDRESS)
    assert (response.status_code, response.json()["error"]) == (405, "METHOD_NOT_ALLOWED")


def test_what_is_sent_along_is_not_looked_at(order: Order, billing: BillingService) -> None:
    response = logged_in(member(PERMISSION)).post(ADDRESS, data="\0[[[", content_type="application/json")
    assert response.status_code == 200


@pytest.mark.parametrize(("group", "may"), [(OPS, True), (SHOP_STAFF, False)])
def test_the_permission_is_that_of_ops(group: str, may: bool) -> None:
    create_groups()
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    assert User.objects.get(pk=user.pk).has_perm(PERMISSION) is may
