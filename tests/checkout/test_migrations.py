"""What older shops hold survives the migrations, forwards and back again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from checkout.models import CheckoutSession
from tests import migrating
from tests.factories import NOW, CheckoutSessionFactory, OrderFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("up_to_date_again")]
migrate = partial(migrating.migrate, "checkout")


def test_checkouts_that_were_left_before_are_abandoned_but_for_cancelled_and_paid_ones() -> None:
    closed = {"expired": "timeout", "failed": "failure", "cancelled": "failure"}
    idle = CheckoutSessionFactory.create(status="timeout")
    for status, end in closed.items():
        CheckoutSessionFactory.create(
            status=end, order=OrderFactory.create(status=status, closed_at=NOW), language=status
        )
    CheckoutSessionFactory.create(status="success", language="paid")
    migrate("0006_abandoned")
    migrate("0007_known_lapses")
    found = dict(CheckoutSession.objects.values_list("language", "lapsed_at"))
    assert found == {
        "": idle.updated_at + timedelta(minutes=30), "expired": NOW, "failed": NOW, "cancelled": None, "paid": None
    }  # fmt: skip
    migrate("0004_version_of_the_price_tables")
