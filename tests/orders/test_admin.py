"""Orders, as staff see them and cancel them."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from core.clock import now
from customers.groups import OPS, create_groups
from customers.models import User
from orders.models import Order, OutboxEvent, WebhookEndpoint, WebhookReceipt
from tests.admin_lists import list_of, queries_of
from tests.analytics.staff import logged_in, member
from tests.factories import (
    NOW,
    CustomerFactory,
    OrderFactory,
    OrderItemFactory,
    OrderSessionFactory,
    PaymentAttemptFactory,
    RefundFactory,
    SessionEventFactory,
    UserFactory,
    VisitorSessionFactory,
)

pytestmark = pytest.mark.django_db
HISTORY = [
    "order",
    "orderstatuschange",
    "ordersession",
    "paymentattempt",
    "refund",
    "webhookreceipt",
    "outboxevent",
]


def make_rows(number: int) -> None:
    staff = User.objects.create_user("maker@example.com")
    for row in range(number):
        order = OrderFactory.create(visitor_session=VisitorSessionFactory.create())
        order.history.create(new="pending", actor="customer")
        RefundFactory.create(
            attempt=PaymentAttemptFactory.create(order_session=OrderSessionFactory.create(order=order))
        )
        WebhookReceipt.objects.create(webhook_id=f"msg_{row}")
        OutboxEvent.objects.create(topic="order.created", payload={})
        WebhookEndpoint.objects.create(url="https://a.test/", secret="s", topics=["order.paid"], created_by=staff)


@pytest.mark.parametrize("model", [*HISTORY, "webhookendpoint"])
@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_takes_as_many_queries_for_30_rows_as_for_3(admin_client: Client, model: str, rows: int) -> None:
    make_rows(rows)
    assert queries_of(admin_client, f"orders/{model}") == 3


@pytest.mark.parametrize("model", HISTORY)
def test_history_can_be_read_and_nothing_else(admin_client: Client, model: str) -> None:
    make_rows(1)
    page = list_of(admin_client, f"orders/{model}")
    key = page.split(f"/admin/orders/{model}/", 2)[-1].split("/change/")[0].rsplit("/", 1)[-1]
    path = f"/admin/orders/{model}/{key}"
    assert admin_client.get(f"{path}/change/").status_code == 200
    assert admin_client.get(f"/admin/orders/{model}/add/").status_code == 403
    assert admin_client.post(f"{path}/change/", {}).status_code == 403
    assert admin_client.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("word", ["ORD-0WANTED", "0wan", "ADA@EX"])
def test_an_order_is_found_by_number_and_by_customer(admin_client: Client, word: str) -> None:
    OrderFactory.create(number="ORD-0WANTED000", customer=CustomerFactory.create(email="ada@example.com"))
    OrderFactory.create(number="ORD-0THERS0000")
    page = list_of(admin_client, "orders/order", q=word)
    assert "ORD-0WANTED000" in page
    assert "ORD-0THERS0000" not in page


def test_the_orders_of_a_customer_can_be_listed(admin_client: Client) -> None:
    order = OrderFactory.create(number="ORD-0WANTED000")
    OrderFactory.create(number="ORD-0THERS0000")
    page = list_of(admin_client, "orders/order", customer__id__exact=str(order.customer_id))
    assert "ORD-0WANTED000" in page
    assert "ORD-0THERS0000" not in page


def test_orders_that_need_somebody_can_be_listed(admin_client: Client) -> None:
    OrderFactory.create(number="ORD-0WANTED000", needs_attention="paid twice")
    OrderFactory.create(number="ORD-0THERS0000")
    page = list_of(admin_client, "orders/order", attention="needed")
    assert "paid twice" in page
    assert "ORD-0THERS0000" not in page


def test_an_order_shows_lines_money_address_attempts_refunds_and_history(admin_client: Client) -> None:
    order = OrderFactory.create(paid=True, subtotal=42, last_touch={"channel": "e-mail", "utm_campaign": "spring"})
    OrderItemFactory.create(order=order, name="Blue <teapot>")
    attempt = PaymentAttemptFactory.create(
        order_session=OrderSessionFactory.create(order=order), last_error="card declined"
    )
    RefundFactory.create(attempt=attempt, amount=5, reason="arrived broken", done=True)
    order.history.create(old="pending", new="success", actor="poll_billing", reason="paid", created_at=NOW)
    page = admin_client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    shown = (
        "Blue &lt;teapot&gt;",
        "£42.00",
        "1 High Street",
        "card declined",
        "arrived broken",
        "poll_billing",
        "spring",
    )
    assert [text for text in shown if text not in page] == []


def test_an_order_of_30_lines_takes_as_many_queries_as_one_of_3(admin_client: Client) -> None:
    order = OrderFactory.create()
    page = f"orders/order/{order.pk}/change"
    list_of(admin_client, page)  # content types are cached from here on
    counts = []
    for more in (3, 27):
        OrderItemFactory.create_batch(more, order=order)
        counts.append(queries_of(admin_client, page))
    assert counts[0] == counts[1] <= 13


def cancel(client: Client, order: Order, **fields: Any) -> Any:
    return client.post(f"/admin/orders/order/{order.pk}/cancel/", {"_form_submitted": "True"} | fields)


def test_staff_cancel_a_pending_order(admin_client: Client, admin_user: Any) -> None:
    order = OrderSessionFactory.create(started_at=now()).order
    response = cancel(admin_client, order)
    assert response.headers["HX-Redirect"] == f"/admin/orders/order/{order.pk}/change/"
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert order.history.get().actor == admin_user.email
    assert LogEntry.objects.get().object_id == str(order.pk)


def test_looking_at_the_question_cancels_nothing(admin_client: Client) -> None:
    order = OrderFactory.create()
    assert "Cancel this order?" in admin_client.get(f"/admin/orders/order/{order.pk}/cancel/").content.decode()
    order.refresh_from_db()
    assert order.status == "pending"


def test_cancelling_needs_the_token_of_the_form(admin_user: Any) -> None:
    order = OrderFactory.create()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert cancel(client, order).status_code == 403
    order.refresh_from_db()
    assert order.status == "pending"


def test_a_paid_order_is_not_offered_to_be_cancelled(admin_client: Client) -> None:
    order = OrderSessionFactory.create(order__paid=True).order
    assert "Cancel order" not in admin_client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert cancel(admin_client, order).status_code == 403


def test_ops_may_not_cancel(client: Client) -> None:
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=OPS))
    client.force_login(user)
    order = OrderFactory.create()
    assert client.get(f"/admin/orders/order/{order.pk}/change/").status_code == 200
    assert cancel(client, order).status_code == 403


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_order_that_is_not_there_cannot_be_cancelled(admin_client: Client, key: str) -> None:
    assert admin_client.post(f"/admin/orders/order/{key}/cancel/", {"_form_submitted": "True"}).status_code == 403


def test_the_pay_address_of_an_attempt_is_not_shown(admin_client: Client) -> None:
    attempt = PaymentAttemptFactory.create()
    page = admin_client.get(f"/admin/orders/paymentattempt/{attempt.pk}/change/").content.decode()
    assert attempt.payment_url not in page


def test_orders_are_listed_by_what_the_visit_was_like_that_placed_them(admin_client: Client) -> None:
    visit = VisitorSessionFactory.create(utm_source="a <b>", device="mobile")
    SessionEventFactory.create(session=visit, page="/about")
    OrderFactory.create(number="ORD-0WANTED000", visitor_session=visit)
    OrderFactory.create(number="ORD-0THERS0000", visitor_session=VisitorSessionFactory.create(utm_source="a <b>"))
    OrderFactory.create(number="ORD-0PHONE0000")
    asked = {"source": "a <b>", "device": "mobile", "page": "/about", "placed_from": "2026-03-10"}
    page = list_of(admin_client, "orders/order", **asked)
    assert "ORD-0WANTED000" in page
    assert "ORD-0THERS0000" not in page
    assert "Source: <strong>a &lt;b&gt;</strong>" in page
    page = list_of(admin_client, "orders/order", visit="none")
    assert "ORD-0PHONE0000" in page
    assert "ORD-0WANTED000" not in page


def test_orders_of_filtered_visits_take_one_query_more_than_others(admin_client: Client) -> None:
    for _order in range(30):
        OrderFactory.create(paid=True, visitor_session=VisitorSessionFactory.create(utm_source="a"))
    assert queries_of(admin_client, "orders/order/?source=a&paid_from=2026-03-10&placed_to=2026-03-11") == 4


def test_a_span_that_is_none_is_refused_as_lists_do(admin_client: Client) -> None:
    answer = admin_client.get("/admin/orders/order/", {"paid_from": "soon"})
    assert answer.headers["Location"] == "/admin/orders/order/?e=1"


def test_the_page_of_an_order_leads_to_its_visit_and_visitor_for_those_who_may_see_visits() -> None:
    visit = VisitorSessionFactory.create()
    order = OrderFactory.create(visitor_session=visit)
    links = [f"/visitorsession/{visit.pk}/change/", f"/visitorsession/visitor/{visit.visitor_id}/"]
    for permissions, number in (
        (["orders.view_order", "sessions_app.view_visitorsession"], 2),
        (["orders.view_order"], 0),
    ):
        page = list_of(logged_in(member(*permissions)), f"orders/order/{order.pk}/change")
        assert sum(link in page for link in links) == number
