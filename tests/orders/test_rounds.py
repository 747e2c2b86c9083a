"""The poll and expiry by hand: `manage.py poll_billing`, `manage.py expire_orders`."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from core.clock import now
from orders.models import Order, PaymentAttempt
from tests.billing_server import BillingService
from tests.world import Shopper, World, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    placed = shopper.order(world)
    PaymentAttempt.objects.update(next_poll_at=now() - timedelta(seconds=1))
    return placed


def run(command: str, *words: str) -> str:
    """What the command prints."""
    stdout = StringIO()
    call_command(command, *words, stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


def failed(command: str) -> tuple[dict[str, Any], str]:
    """What a command that fails prints for machines, and why it failed."""
    stdout = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(command, "--json", stdout=stdout, stderr=StringIO())
    assert caught.value.returncode == 1
    return json.loads(stdout.getvalue()), str(caught.value)


def test_the_poll_by_hand_settles_and_says_so(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    assert json.loads(run("poll_billing", "--json")) == {"checked": 1, "stillOpen": 0, "changed": 1, "errors": {}}
    assert Order.objects.get().status == "success"
    check_books()


def test_the_poll_by_hand_says_what_is_still_open(order: Order) -> None:
    assert json.loads(run("poll_billing", "--json"))["stillOpen"] == 1


def test_the_poll_by_hand_is_readable(order: Order) -> None:
    said = run("poll_billing")
    assert "Still open" in said
    assert "Changed" in said


def test_the_poll_by_hand_fails_with_the_kinds_of_errors(order: Order, billing: BillingService) -> None:
    billing.knob("get", status=500)
    said, why = failed("poll_billing")
    assert said == {"checked": 1, "stillOpen": 0, "changed": 0, "errors": {"server_error": 1}}
    assert why == "1 errors: server_error."


def test_the_poll_by_hand_fails_without_a_billing_service(order: Order, settings: LazySettings) -> None:
    settings.BILLING_URL = ""
    assert failed("poll_billing")[0]["errors"] == {"not_configured": 1}


def test_expiry_by_hand_closes_and_says_so(order: Order) -> None:
    window_ends(order)
    assert json.loads(run("expire_orders", "--json")) == {
        "checked": 1,
        "stillOpen": 0,
        "changed": 1,
        "expired": 1,
        "paid": 0,
        "errors": {},
    }
    assert Order.objects.get().status == "expired"
    check_books()


def test_expiry_by_hand_counts_who_had_paid_after_all(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    window_ends(order)
    said = json.loads(run("expire_orders", "--json"))
    assert (said["expired"], said["paid"], said["changed"]) == (0, 1, 1)


def test_expiry_by_hand_fails_while_it_waits_for_billing(order: Order, billing: BillingService) -> None:
    billing.knob("cancel", down=True)
    window_ends(order)
    said, _why = failed("expire_orders")
    assert (said["stillOpen"], said["expired"], said["errors"]) == (1, 0, {"network": 1})


def test_expiry_by_hand_is_readable(order: Order) -> None:
    report(PaymentAttempt.objects.get(), "failure")
    window_ends(order)
    assert "Expired" in run("expire_orders")
