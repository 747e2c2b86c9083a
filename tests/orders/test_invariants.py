"""What PostgreSQL refuses, whoever writes it: our services, the admin, or somebody by hand."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Model

from orders.models import Order, OrderItem, OrderSession, OrderStatusChange, PaymentAttempt, Refund
from orders.services.transitions import TO
from tests.factories import (
    NOW,
    OrderFactory,
    OrderItemFactory,
    PaymentAttemptFactory,
    RefundFactory,
    with_its_times,
)

pytestmark = pytest.mark.django_db
PAID = {"status": "success", "paid_at": NOW}
OVER = {"resolved_at": NOW}

BROKEN: list[tuple[str, type[Model], dict[str, Any]]] = [
    ("order_status_is_known", Order, {"status": "lost"}),
    ("order_fulfilment_is_known", Order, {"fulfillment_status": "lost"}),
    ("order_parts_not_negative", Order, {"discount_amount": -1, "subtotal": 19}),
    ("order_total_is_the_sum_of_its_parts", Order, {"total": 21}),
    ("order_refund_within_total", Order, {"refunded_amount": 21}),
    ("order_paid_has_its_time", Order, {"status": "success"}),
    ("order_paid_has_its_time", Order, {"paid_at": NOW}),
    ("order_closed_has_its_time", Order, {"status": "expired"}),
    ("order_closed_has_its_time", Order, PAID | {"closed_at": NOW}),
    ("order_closed_has_its_time", Order, {"closed_at": NOW}),
    ("order_item_of_one_at_least", OrderItem, {"quantity": 0}),
    ("order_item_not_negative", OrderItem, {"line_total": -1}),
    ("order_session_status_is_known", OrderSession, {"status": "lost"}),
    ("order_session_ends_after_its_beginning", OrderSession, {"expires_at": F("started_at")}),
    ("order_session_attempts_within_limit", OrderSession, {"payment_attempts": 4}),
    ("payment_attempt_status_is_known", PaymentAttempt, {"status": "lost", "resolved_at": NOW}),
    ("payment_attempt_of_something", PaymentAttempt, {"amount": 0}),
    ("payment_attempt_over_has_its_time", PaymentAttempt, {"status": "failure"}),
    ("payment_attempt_over_has_its_time", PaymentAttempt, {"resolved_at": NOW}),
    ("payment_attempt_counts_if_money_came", PaymentAttempt, {"counted_at": NOW}),
    ("payment_attempt_counts_if_money_came", PaymentAttempt, OVER | {"status": "success", "counted_at": NOW}),
    ("payment_attempt_took_money_if_success", PaymentAttempt, {"paid_amount": 20}),
    ("refund_of_something", Refund, {"amount": 0}),
    ("refund_status_is_known", Refund, {"status": "lost"}),
    ("refund_made_has_its_time", Refund, {"status": "done"}),
    ("refund_made_has_its_time", Refund, {"made_at": NOW}),
    ("refund_requested_is_tried", Refund, {"next_try_at": None}),
    ("refund_is_of_an_attempt_or_imported", Refund, {"attempt": None}),
    ("refund_is_of_an_attempt_or_imported", Refund, {"credit_note": "C1"}),
    ("refund_is_of_an_attempt_or_imported", Refund, {"attempt": None, "credit_note": "C1"}),
]


@pytest.fixture
def order() -> Order:
    """A pending order with a line, a window, an open attempt, and a refund on its way."""
    order = OrderFactory.create()
    OrderItemFactory.create(order=order)
    RefundFactory.create(attempt=PaymentAttemptFactory.create(order_session__order=order))
    return order


@pytest.mark.parametrize(
    ("name", "model", "values"), BROKEN, ids=[f"{name}-{'-'.join(values)}" for name, _model, values in BROKEN]
)
def test_a_row_that_breaks_an_invariant_is_refused(
    order: Order, name: str, model: type[Model], values: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        model._default_manager.update(**values)


def test_every_constraint_is_tried() -> None:
    models: list[type[Model]] = [Order, OrderItem, OrderSession, PaymentAttempt, Refund]
    checks = {each.name for model in models for each in model._meta.constraints if hasattr(each, "condition")}
    unique = {each.name for model in models for each in model._meta.constraints if hasattr(each, "fields")}
    assert checks - unique == {name for name, _model, _values in BROKEN}


@pytest.mark.parametrize(("old", "new"), [pair for pair in product(Order.Status, repeat=2) if pair[0] != pair[1]])
def test_an_order_goes_the_ways_of_the_table_and_no_others(old: Order.Status, new: Order.Status) -> None:
    order = OrderFactory.create(status=old)
    with suppress(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**with_its_times(new))
    order.refresh_from_db()
    assert (order.status == new) == (old in TO[new].sources)


def test_the_history_is_not_changed() -> None:
    OrderStatusChange.objects.create(order=OrderFactory.create(), new="pending", actor="customer")
    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        OrderStatusChange.objects.update(new="success")


def test_the_history_is_not_deleted() -> None:
    OrderStatusChange.objects.create(order=OrderFactory.create(), new="pending", actor="customer")
    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        OrderStatusChange.objects.all().delete()


def test_a_reason_is_not_rewritten() -> None:
    OrderStatusChange.objects.create(order=OrderFactory.create(), new="pending", actor="customer", reason="placed")
    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        OrderStatusChange.objects.update(reason="another")


def test_a_reason_can_be_emptied_for_somebody_who_is_erased() -> None:
    OrderStatusChange.objects.create(order=OrderFactory.create(), new="pending", actor="customer", reason="by Ada")
    OrderStatusChange.objects.update(reason="")
    assert OrderStatusChange.objects.get().reason == ""


def test_money_that_never_counted_does_not_go_back_twice() -> None:
    refund = RefundFactory.create(was_sale=False)
    with pytest.raises(IntegrityError, match="goes_back_once"), transaction.atomic():
        RefundFactory.create(attempt=refund.attempt, was_sale=False)


def test_a_credit_note_is_imported_once() -> None:
    note = {"credit_note": "C1", "amount": 5, "reason": "imported", "status": "done", "made_at": NOW}
    Refund.objects.create(**note)
    with pytest.raises(IntegrityError, match="credit_note_is_imported_once"), transaction.atomic():
        Refund.objects.create(**note)


def test_money_whose_refund_failed_can_go_back_by_another() -> None:
    failed = RefundFactory.create(was_sale=False, status="failed", next_try_at=None)
    again = RefundFactory.create(attempt=failed.attempt, was_sale=False)
    assert (again.amount, again.requested_at - failed.requested_at) == (Decimal("20.00"), timedelta(0))
