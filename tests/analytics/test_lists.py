"""What a figure counts, its list shows."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.test import RequestFactory

from analytics.hours import counted
from orders.admin.links import orders_link, placed_orders_link
from orders.models import Order
from sessions_app.admin_links import visits_link
from sessions_app.dimensions import Dimension, Step
from sessions_app.models import VisitorSession
from tests.factories import NOW, OrderFactory, UserFactory, VisitorSessionFactory

pytestmark = pytest.mark.django_db
START, UNTIL = NOW - timedelta(hours=3), NOW + timedelta(minutes=7)
CAME: tuple[dict[str, Any], ...] = (
    {},
    {"script_product_views": 1},
    {"cart_additions": 2},
    {"checkouts_started": 1},
    {"order_id": uuid.UUID(int=1)},
    {"converted": True, "converted_at": NOW},
)
"""What a visit has that came to each step and no further."""


def listed(model: type[Order] | type[VisitorSession], address: str) -> int:
    request = RequestFactory().get(address)
    request.user = UserFactory.create(is_staff=True, is_superuser=True)
    return int(site.get_model_admin(model).get_changelist_instance(request).result_count)


def make_visits() -> None:
    for came in CAME:
        for minutes in (-181, -180, 0, 6, 7):
            VisitorSessionFactory.create(started_at=NOW + timedelta(minutes=minutes), **came)
        VisitorSessionFactory.create(is_bot=True, **came)
        VisitorSessionFactory.create(unconfirmed=True, **came)


def test_a_step_of_the_funnel_opens_as_many_visits_as_it_counts(settings: Any) -> None:
    settings.COUNT_UNCONFIRMED_SESSIONS = False
    make_visits()
    totals = counted(START, UNTIL)
    counts = [
        totals.total_visits,
        *(getattr(totals, f"{name}_sessions") for name in ("product", "cart", "checkout", "order", "converted")),
    ]
    assert (
        [listed(VisitorSession, visits_link({}, START, UNTIL, step)) for step in Step]
        == counts
        == [18, 15, 12, 9, 6, 3]
    )


def test_orders_open_as_many_as_were_paid_or_placed() -> None:
    for minutes in (-181, -180, 6, 7):
        OrderFactory.create(
            placed_at=NOW - timedelta(days=1), status="success", paid_at=NOW + timedelta(minutes=minutes)
        )
        OrderFactory.create(placed_at=NOW + timedelta(minutes=minutes), status="expired")
    totals = counted(START, UNTIL)
    assert listed(Order, orders_link({}, START, UNTIL)) == totals.total_orders == 2
    assert listed(Order, placed_orders_link({}, START, UNTIL, "expired")) == totals.expired_orders == 2
    assert listed(Order, placed_orders_link({}, START, UNTIL)) == totals.placed_orders == 2
    assert listed(Order, orders_link({Dimension.SOURCE: "a"}, START, UNTIL)) == 0
