"""Of each table about people it is known what an erasing leaves: no row, or in each column something or nothing."""

from __future__ import annotations

import pytest
from django.apps import apps

from core.personal_data import parts
from customers.personal import ERASED_NAMES
from orders import personal as of_orders
from orders.models import Order
from sessions_app.personal import HUSK, NOBODY

ORDER = Order(shipping_address={}, first_touch={}, last_touch={})
GONE = {
    "checkout.CheckoutSession", "checkout.IdempotencyKey", "checkout.ReminderAddress", "core.Mail", "customers.Address",
    "customers.ApiToken", "customers.EmailChange", "customers.RecoveryCode", "customers.Registration",
    "customers.SecondFactor", "customers.User", "customers.User_groups", "customers.User_user_permissions",
    "orders.OrderComment", "sessions_app.DeadLetter", "sessions_app.SessionEvent",
}  # fmt: skip
"""Tables whose rows go: a new column goes with them."""
TAKEN: dict[str, set[str]] = {
    "customers.Customer": {"email", *ERASED_NAMES},
    "checkout.CouponUse": set(),
    "orders.Order": {*of_orders.erased(ORDER), *of_orders.NO_NAME, "needs_attention"},
    "orders.OrderItem": set(),
    "orders.OrderSession": {"metadata"},
    "orders.OrderStatusChange": {"reason"},
    "orders.PaymentAttempt": {"payment_url"},
    "orders.Refund": {"reason"},
    "orders.WebhookReceipt": {"body"},
    "sessions_app.ConsentRecord": set(NOBODY),
    "sessions_app.VisitorSession": {"visitor_id", "erased_at", *HUSK},
}
"""What the parts write into, or empty."""
LEFT = {
    "customers.Customer": "id first_order_at last_order_at total_orders total_spent created_at",
    "checkout.CouponUse": "id coupon order customer created_at",
    "orders.Order": "id number customer checkout_id status fulfillment_status subtotal discount_amount shipping_amount "
    "tax_amount total refunded_amount currency coupon_code shipping_method tax_lines language placed_at paid_at "
    "closed_at",
    "orders.OrderItem": "id order product name sku image unit_price quantity line_total",
    "orders.OrderSession": "id order status duration_minutes started_at expires_at payment_attempts "
    "max_payment_attempts last_payment_attempt_at reminder_sent_at",
    "orders.OrderStatusChange": "id order field old new actor created_at",
    "orders.PaymentAttempt": "id order_session number status provider billing_checkout_id billing_order_id amount "
    "currency next_poll_at poll_count unknown_count error_count asked_at last_error opened_at resolved_at paid_amount "
    "paid_currency counted_at",
    "orders.Refund": "id attempt order credit_note amount was_sale pieces status next_try_at tries refusals last_error "
    "requested_at made_at",
    "orders.WebhookReceipt": "id provider webhook_id checkout_id headers received_at handled_at tries outcome error",
    "sessions_app.ConsentRecord": "id choice policy_version created_at",
    "sessions_app.VisitorSession": "session_id consent device browser os country channel is_bot unconfirmed "
    "script_page_views api_page_views page_views script_product_views api_product_views product_views cart_additions "
    "checkouts_started other_events engagement_seconds events_count started_at last_seen_at ended_at converted "
    "converted_at",
}
"""What stays: it names nobody."""


def columns_of(table: str) -> set[str]:
    return {field.name for field in apps.get_model(table)._meta.concrete_fields}


def test_it_is_known_of_each_table_whether_its_rows_go() -> None:
    assert {table for part in parts.values() for table in part.tables} == GONE | LEFT.keys()
    assert not GONE & LEFT.keys()


@pytest.mark.parametrize("table", LEFT)
def test_each_column_of_a_row_that_stays_is_taken_or_names_nobody(table: str) -> None:
    left = set(LEFT[table].split())
    assert left | TAKEN[table] == columns_of(table), "have it erased by the app's `personal.py`, or say it in LEFT"
    assert not left & TAKEN[table]


def test_control_a_column_that_nobody_thought_of_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LEFT, "orders.Order", LEFT["orders.Order"].replace(" language", ""))
    with pytest.raises(AssertionError, match="have it erased"):
        test_each_column_of_a_row_that_stays_is_taken_or_names_nobody("orders.Order")
