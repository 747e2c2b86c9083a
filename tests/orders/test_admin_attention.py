"""The queue of orders that need attention: who may decide, by which request, and what stands in the log."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from customers.groups import OPS, SHOP_STAFF, create_groups
from orders.models import Order, Refund
from tests.admin_lists import list_of
from tests.database import force_status
from tests.factories import OrderFactory, OrderSessionFactory, PaymentAttemptFactory, UserFactory

pytestmark = pytest.mark.django_db
ACTIONS = ("refund_money", "accept_money", "dismiss")
REASON = "she called about it"


@pytest.fixture
def order() -> Order:
    """Billing took 19.00 of 20.00."""
    order = OrderFactory.create(needs_attention="billing took 19.00 GBP instead of 20.00 GBP")
    window = OrderSessionFactory.create(order=order)
    PaymentAttemptFactory.create(
        order_session=window, status="success", paid_amount=Decimal("19.00"), paid_currency="GBP", next_poll_at=None
    )
    order.history.create(new="pending", actor="customer")
    return order


def member(client: Client, *groups: str) -> Client:
    """The client, logged in as staff of these groups."""
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    client.force_login(user)
    return client


def act(client: Client, order: Order, name: str, **fields: Any) -> Any:
    sent = {"_form_submitted": "True", "reason": REASON} | fields
    return client.post(f"/admin/orders/order/{order.pk}/{name}/", sent)


def page_of(client: Client, order: Order) -> str:
    return client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()


def needs(order: Order) -> str:
    return Order.objects.get(pk=order.pk).needs_attention


def test_the_queue_is_in_the_sidebar(admin_client: Client, order: Order) -> None:
    OrderFactory.create(number="ORD-0THERS0000")
    assert "/admin/orders/order/?attention=needed" in admin_client.get("/admin/").content.decode()
    page = list_of(admin_client, "orders/order", attention="needed")
    assert "instead of 20.00 GBP" in page
    assert "ORD-0THERS0000" not in page


def test_the_order_shows_what_billing_took(admin_client: Client, order: Order) -> None:
    assert "£19.00, not counted" in page_of(admin_client, order)


@pytest.mark.parametrize(
    ("name", "status", "refunds"),
    [("refund_money", "pending", 1), ("accept_money", "success", 0), ("dismiss", "pending", 0)],
)
def test_shop_staff_decide_by_post(name: str, status: str, refunds: int, client: Client, order: Order) -> None:
    answer = act(member(client, SHOP_STAFF), order, name)
    assert answer.headers["HX-Redirect"] == f"/admin/orders/order/{order.pk}/change/"
    assert (Order.objects.get().status, needs(order), Refund.objects.count()) == (status, "", refunds)
    change = order.history.filter(field="needs_attention").get()
    assert (REASON in change.reason, "@example.com" in change.actor) == (True, True)
    assert LogEntry.objects.get().object_id == str(order.pk)
    assert REASON not in LogEntry.objects.get().change_message


@pytest.mark.parametrize("name", ACTIONS)
def test_looking_at_the_question_decides_nothing(name: str, admin_client: Client, order: Order) -> None:
    page = admin_client.get(f"/admin/orders/order/{order.pk}/{name}/").content.decode()
    assert "csrfmiddlewaretoken" in page
    assert needs(order)


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("reason", ["", "  ", "x" * 121])
def test_without_a_reason_that_can_be_kept_nothing_is_decided(
    name: str, reason: str, admin_client: Client, order: Order
) -> None:
    assert "HX-Redirect" not in act(admin_client, order, name, reason=reason).headers
    assert needs(order)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_post_without_the_token_of_the_form_decides_nothing(name: str, admin_user: Any, order: Order) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert act(client, order, name).status_code == 403
    assert needs(order)


@pytest.mark.parametrize("name", ACTIONS)
def test_ops_may_not(name: str, client: Client, order: Order) -> None:
    assert act(member(client, OPS), order, name).status_code == 403
    assert needs(order)


@pytest.mark.parametrize("name", ACTIONS)
def test_nobody_is_asked_to_log_in(name: str, client: Client, order: Order) -> None:
    assert act(client, order, name).status_code == 302
    assert needs(order)


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_order_that_is_not_there_cannot_be_decided(name: str, key: str, admin_client: Client) -> None:
    path = f"/admin/orders/order/{key}/{name}/"
    assert admin_client.post(path, {"_form_submitted": "True", "reason": REASON}).status_code == 403


def test_what_is_decided_is_not_offered_again(admin_client: Client, order: Order) -> None:
    offered = ("Send money back", "Accept money", "Dismiss")
    assert [text in page_of(admin_client, order) for text in offered] == [True] * 3
    act(admin_client, order, "refund_money")
    assert [text in page_of(admin_client, order) for text in offered] == [False] * 3
    assert act(admin_client, order, "refund_money").status_code == 403
    assert Refund.objects.count() == 1


def test_for_a_paid_order_what_came_besides_cannot_be_accepted(admin_client: Client, order: Order) -> None:
    Order.objects.update(status="success", paid_at=order.placed_at)
    assert "Accept money" not in page_of(admin_client, order)
    assert act(admin_client, order, "accept_money").status_code == 403


def test_a_refusal_of_the_service_is_told(admin_client: Client, order: Order) -> None:
    """The pieces of a closed order are sold: it is offered, and refused."""
    force_status("expired")
    order.items.create(name="Gone", sku="g", unit_price=20, quantity=1, line_total=20)
    act(admin_client, order, "accept_money")
    assert "sold out meanwhile" in page_of(admin_client, order)
    assert needs(order)
