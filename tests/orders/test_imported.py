"""Orders that were imported, wherever orders are shown, given out, erased or worked on: no window, no attempt."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from core.clock import now
from core.models import Mail
from customers.models import Customer
from orders.models import Order, Refund
from orders.services import MoneyNotHereError, fulfil, refund_order
from tests.admin_lists import list_of
from tests.factories import UserFactory
from tests.orders.files import imported

pytestmark = pytest.mark.django_db
ADA = {"email": "ada@example.com", "first_name": "Ada", "city": "London", "country": "GB", "line1": "1 High Street"}


@pytest.fixture
def order() -> Order:
    """An order of Ada's, of which half went back."""
    imported(
        ADA | {"number": "WEB-17", "quantity": "2", "fulfillment": "processing"},
        ADA | {"number": "C-3", "quantity": "-1", "refund_of": "WEB-17", "placed_at": "2026-01-05"},
    )
    return Order.objects.get()


def test_its_customer_sees_it(client: Client, order: Order) -> None:
    user = UserFactory.create(email="ada@example.com")
    Customer.objects.update(user=user)
    client.force_login(user)
    found = client.get("/api/v1/orders").json()["data"]["items"][0]
    shown = client.get(f"/api/v1/orders/{order.pk}").json()["data"]
    assert found == shown
    assert (shown["number"], shown["session"], shown["attempts"]) == ("WEB-17", None, [])
    assert (shown["paymentStatus"], shown["refundedAmount"]) == ("partly_refunded", "20.00")
    assert shown["addresses"]["shipping"]["city"] == "London"


def test_its_page_shows_what_went_back(admin_client: Client, order: Order) -> None:
    page = admin_client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    refund = Refund.objects.get()
    assert f"/admin/orders/refund/{refund.pk}/change/" in page
    assert [text for text in ("WEB-17", "C-3", "£20.00", "import_orders") if text not in page] == []


@pytest.mark.parametrize("word", ["web-1", "WEB-17"])
def test_it_is_found_by_the_number_that_it_had(admin_client: Client, order: Order, word: str) -> None:
    assert order.number in list_of(admin_client, "orders/order", q=word)
    assert order.number not in list_of(admin_client, "orders/order", q="EB-17")


@pytest.mark.parametrize("word", ["WEB-17", "C-3"])
def test_its_refund_is_found_by_either_number(admin_client: Client, order: Order, word: str) -> None:
    assert order.number in list_of(admin_client, "orders/refund", q=word)


def test_a_refund_of_no_known_order_can_be_looked_at(admin_client: Client) -> None:
    imported({"number": "C-9", "quantity": "-1"})
    assert "C-9" in list_of(admin_client, "orders/refund")
    assert admin_client.get(f"/admin/orders/refund/{Refund.objects.get().pk}/change/").status_code == 200


def test_it_is_inspected_by_its_number(order: Order) -> None:
    stdout = StringIO()
    call_command("inspect_order", "web-17", "--json", stdout=stdout)
    whats = [moment["what"] for moment in json.loads(stdout.getvalue())["timeline"]]
    assert "refund made" in whats
    assert "refund requested" not in whats


def test_its_money_does_not_go_back_through_billing_here(order: Order) -> None:
    with pytest.raises(MoneyNotHereError):
        refund_order(order_id=order.pk, reason="broken", actor="staff", now=now())


def test_it_can_be_sent_and_its_customer_hears_of_it(order: Order) -> None:
    fulfil(order_id=order.pk, status="shipped", actor="staff", now=now())
    assert Mail.objects.get().recipient == "ada@example.com"


def test_a_customer_without_an_address_is_not_written_to() -> None:
    imported({"customer": "17850", "fulfillment": "processing"})
    fulfil(order_id=Order.objects.get().pk, status="shipped", actor="staff", now=now())
    assert not Mail.objects.exists()


def test_it_is_given_out_with_its_refunds(order: Order) -> None:
    stdout = StringIO()
    call_command("export_customer", "ada@example.com", stdout=stdout)
    (given,) = [part for part in found_orders(json.loads(stdout.getvalue())) if part["number"] == "WEB-17"]
    assert [refund["creditNote"] for refund in given["refunds"]] == ["C-3"]


def test_it_is_erased_but_for_what_an_invoice_must_keep(order: Order) -> None:
    call_command("erase_customer", "ada@example.com", "--yes")
    order.refresh_from_db()
    assert (order.email, order.shipping_address, order.number) == ("", {"region": "", "country": "GB"}, "WEB-17")
    assert [refund.reason for refund in Refund.objects.all()] == [""]


def found_orders(given: Any) -> list[dict[str, Any]]:
    """The orders in what a customer is given, wherever they stand."""
    if isinstance(given, dict):
        if "orders" in given:
            orders: list[dict[str, Any]] = given["orders"]
            return orders
        return [order for part in given.values() for order in found_orders(part)]
    return []
