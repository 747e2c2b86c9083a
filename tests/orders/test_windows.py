"""How long an order may take to be paid: by the first rule of staff that fits, else by the settings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from customers.models import CustomerGroup
from orders.models import OrderSession, WindowRule
from orders.selectors import WINDOW_RULES, window_rules
from orders.services.windows import Sale, Window, window_for
from tests.billing_server import BillingService
from tests.factories import CategoryFactory, CustomerFactory, ProductFactory, UserFactory
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db


def rule(name: str = "rule", **fields: Any) -> WindowRule:
    """A rule of 5 minutes and one attempt, for orders from 0 on."""
    usual = {"duration_minutes": 5, "max_attempts": 1}
    return WindowRule.objects.create(name=name, **(usual | (fields or {"minimum_total": 0})))


def window(total: str = "20.00", products: tuple[Any, ...] = (), customer_id: Any = None) -> Window:
    sale = Sale(Decimal(total), [product.pk for product in products], customer_id)
    return window_for(sale, WindowRule.objects.active())


def test_without_rules_the_settings_say_it(settings: LazySettings) -> None:
    settings.ORDER_SESSION_DURATION_MINUTES, settings.ORDER_SESSION_MAX_ATTEMPTS = 20, 4
    assert window() == Window(20, 4, "")


def test_a_rule_by_category_fits_an_order_with_one_product_of_it() -> None:
    quick = CategoryFactory.create()
    rule(category=quick)
    one, other = ProductFactory.create(category=quick), ProductFactory.create(category=CategoryFactory.create())
    assert window(products=(one, other, ProductFactory.create())).minutes == 5
    assert window(products=(other, ProductFactory.create())).minutes == 15


@pytest.mark.parametrize(("total", "minutes"), [("99.99", 15), ("100.00", 5), ("100.01", 5)])
def test_a_rule_by_total_fits_from_that_total_on(total: str, minutes: int) -> None:
    rule(minimum_total=100)
    assert window(total).minutes == minutes


def test_a_rule_by_group_fits_customers_of_it() -> None:
    vip, other = CustomerGroup.objects.create(name="VIP"), CustomerGroup.objects.create(name="Staff")
    rule(customer_group=vip)
    minutes = [window(customer_id=CustomerFactory.create(group=group).pk).minutes for group in (vip, other, None)]
    assert minutes == [5, 15, 15]


def test_whoever_is_not_logged_in_is_in_no_group() -> None:
    rule(customer_group=CustomerGroup.objects.create(name="VIP"))
    assert window(customer_id=None).minutes == 15
    assert window(customer_id=uuid4()).minutes == 15


def test_all_conditions_of_a_rule_must_apply() -> None:
    quick = CategoryFactory.create()
    rule(category=quick, minimum_total=100)
    product = ProductFactory.create(category=quick)
    assert [window(total, (product,)).minutes for total in ("99", "100")] == [15, 5]
    assert window("100", (ProductFactory.create(),)).minutes == 15


def test_the_first_rule_that_fits_counts_by_position_then_age() -> None:
    rule("third", position=20, minimum_total=0, duration_minutes=30)
    rule("second", position=10, minimum_total=0)
    rule("younger", position=10, minimum_total=0, duration_minutes=40)
    rule("first, for others", position=1, minimum_total=1000)
    assert window().rule == "second"


def test_a_rule_that_is_switched_off_does_not_count() -> None:
    rule(minimum_total=0, is_active=False)
    assert window().minutes == 15


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_minutes": 0, "minimum_total": 0},
        {"duration_minutes": 1441, "minimum_total": 0},
        {"max_attempts": 0, "minimum_total": 0},
        {"max_attempts": 21, "minimum_total": 0},
        {"minimum_total": -1},
        {"position": 1},
    ],
    ids=["no time", "more than a day", "no attempt", "21 attempts", "negative", "no condition"],
)
def test_a_rule_that_makes_no_sense_cannot_be_stored(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        rule(**wrong)


def test_an_order_has_the_window_of_its_rule(world: World, billing: BillingService, shopper: Shopper) -> None:
    rule("big", minimum_total=30, duration_minutes=30, max_attempts=7)
    session = shopper.buy(world)["session"]
    assert (session["durationMinutes"], session["maxPaymentAttempts"], session["remainingAttempts"]) == (30, 7, 6)
    kept = OrderSession.objects.get()
    assert (kept.expires_at - kept.started_at, kept.metadata) == (timedelta(minutes=30), {"rule": "big"})


def test_a_change_counts_for_the_next_order(world: World, billing: BillingService) -> None:
    changed = rule(minimum_total=0)
    assert Shopper().buy(world)["session"]["durationMinutes"] == 5
    WindowRule.objects.filter(pk=changed.pk).update(duration_minutes=9)
    assert Shopper().buy(world)["session"]["durationMinutes"] == 9


def test_typing_the_address_of_a_vip_gives_no_vips_window(world: World, billing: BillingService) -> None:
    vip = CustomerGroup.objects.create(name="VIP")
    rule(customer_group=vip, duration_minutes=30)
    CustomerFactory.create(email="vip@example.com", group=vip, user=UserFactory.create())
    assert Shopper().buy(world, email="vip@example.com")["session"]["durationMinutes"] == 15


def test_rules_come_along_as_they_are_in_their_order() -> None:
    rule("b", position=2, minimum_total="12.345")
    rule("a", position=1, category=CategoryFactory.create())
    rule("off", position=0, minimum_total=0, is_active=False)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {WINDOW_RULES}")
        (text,) = cursor.fetchone() or (None,)
    found = [(kept.name, kept.minimum_total, kept.category_id) for kept in window_rules(text)]
    assert found == [(kept.name, kept.minimum_total, kept.category_id) for kept in WindowRule.objects.active()]


def test_only_a_rule_that_asks_costs_a_statement() -> None:
    product, customer = ProductFactory.create(), CustomerFactory.create()
    rule("total", position=1, minimum_total=1000)
    vip = rule("vip", position=2, customer_group=CustomerGroup.objects.create(name="VIP"))
    shelf = rule("shelf", position=3, category=CategoryFactory.create())
    for rules, statements in (([], 0), ([vip], 1), ([vip, shelf, shelf], 2)):
        with CaptureQueriesContext(connection) as queries:
            window_for(Sale(Decimal(1), [product.pk], customer.pk), rules)
        assert len(queries) == statements
