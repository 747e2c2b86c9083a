"""The demo shop: believable, repeatable, and its figures add up."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F, Max, Q, Sum
from django.db.models.functions import Coalesce

from analytics.demo.build import Result, build_demo
from analytics.demo.shop import NotInDevelopmentError
from analytics.demo.tables import STAFF_EMAIL, STAFF_PASSWORD
from analytics.goals import goals_by_day
from analytics.models import DailyMetrics
from catalog.models import Product
from checkout.models import Coupon, ShippingMethod, TaxRate
from core import integrity
from core.money import ZERO
from customers.models import Customer, User
from orders.models import Order, OrderItem, OrderStatusChange, PaymentAttempt, Refund
from sessions_app.models import SessionEvent, VisitorSession
from tests.factories import NOW, ProductFactory

pytestmark = pytest.mark.django_db
DAYS = 12


@pytest.fixture(scope="class")
def shop(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The shop, made once for the tests that only look at it: a class, so that no other test sees it."""
    with django_db_blocker.unblock():
        yield build_demo(days=DAYS, seed=7, now=NOW)
        call_command("flush", "--no-input", verbosity=0)


def figures() -> list[Any]:
    """What one shop has and another has not."""
    return [
        *Order.objects.order_by("placed_at").values_list("number", "total", "status"),
        *DailyMetrics.objects.order_by("date").values_list("total_visits", "total_sales", "bounce_rate"),
    ]


class TestShop:
    def test_the_shop_has_what_a_visitor_and_staff_look_for(self, shop: Result) -> None:
        assert Product.objects.active().count() == shop.products == 24
        assert set(Coupon.objects.values_list("code", flat=True)) == {"WELCOME10", "FIVE", "FREESHIP"}
        assert ShippingMethod.objects.order_by("id").values_list("price", flat=True)[0] == 10
        assert TaxRate.objects.get().rate == 10

    def test_every_day_has_its_share_of_a_goal(self, shop: Result) -> None:
        assert all(goals_by_day([day]) for day in DailyMetrics.objects.values_list("date", flat=True))

    def test_staff_can_log_in_and_are_in_both_groups(self, shop: Result) -> None:
        staff = authenticate(username=STAFF_EMAIL, password=STAFF_PASSWORD)
        assert isinstance(staff, User)
        assert staff.is_staff
        assert staff.groups.count() == 2

    def test_stock_is_the_sum_of_its_movements(self, shop: Result) -> None:
        wrong = Product.objects.alias(ledger=Coalesce(Sum("movements__delta"), 0)).exclude(stock_quantity=F("ledger"))
        assert list(wrong) == []

    def test_all_that_must_agree_does(self, shop: Result) -> None:
        assert [finding for finding in integrity.verify(now=NOW) if finding.count] == []

    def test_stock_was_never_below_zero(self, shop: Result) -> None:
        for product in Product.objects.all():
            left = 0
            for delta in product.movements.order_by("created_at", "id").values_list("delta", flat=True):
                left += delta
                assert left >= 0

    def test_customers_have_spent_what_their_paid_orders_cost_less_refunds(self, shop: Result) -> None:
        paid = Q(orders__status="success")
        spent = Coalesce(Sum(F("orders__total") - F("orders__refunded_amount"), filter=paid), ZERO)
        rows = Customer.objects.annotate(number=Count("orders", filter=paid), spent=spent)
        assert list(rows.exclude(total_orders=F("number"), total_spent=F("spent"))) == []

    def test_products_have_sold_what_paid_orders_hold(self, shop: Result) -> None:
        sold = OrderItem.objects.filter(order__status="success").aggregate(
            pieces=Sum("quantity"), money=Sum("line_total")
        )
        totals = Product.objects.aggregate(pieces=Sum("total_sold"), money=Sum("total_revenue"))
        assert totals == sold

    def test_a_visit_is_converted_if_its_order_was_paid(self, shop: Result) -> None:
        converted = set(VisitorSession.objects.filter(converted=True).values_list("order_id", "converted_at"))
        assert converted == set(Order.objects.paid().values_list("id", "paid_at"))

    def test_sessions_count_their_events(self, shop: Result) -> None:
        counted = VisitorSession.objects.annotate(
            number=Count("events"),
            pages=Count("events", filter=Q(events__event_type="page_view")),
            carts=Count("events", filter=Q(events__event_type="add_to_cart")),
            last=Max("events__timestamp"),
        )
        same = {
            "events_count": F("number"),
            "page_views": F("pages"),
            "cart_additions": F("carts"),
            "last_seen_at": F("last"),
        }
        assert not counted.exclude(**same).exists()

    def test_refunds_are_made_of_paid_money(self, shop: Result) -> None:
        refunded = Order.objects.aggregate(sum=Sum("refunded_amount"))["sum"]
        assert refunded == sum(refund.amount for refund in Refund.objects.filter(status="done"))

    def test_every_order_has_a_history_that_ends_in_its_status(self, shop: Result) -> None:
        changes = OrderStatusChange.objects.filter(field="status").order_by("id").values_list("order_id", "new")
        assert dict(changes) == dict(Order.objects.values_list("id", "status"))

    def test_an_order_is_pending_only_while_its_window_is_open(self, shop: Result) -> None:
        assert Order.objects.pending().exists()
        assert not Order.objects.pending().filter(session__expires_at__lte=NOW).exists()
        assert not PaymentAttempt.objects.watched().exists()

    def test_nothing_is_in_the_future(self, shop: Result) -> None:
        assert not SessionEvent.objects.filter(timestamp__gt=NOW).exists()
        assert not Order.objects.filter(Q(placed_at__gt=NOW) | Q(paid_at__gt=NOW) | Q(closed_at__gt=NOW)).exists()
        assert not OrderStatusChange.objects.filter(created_at__gt=NOW).exists()
        assert not Refund.objects.filter(made_at__gt=NOW).exists()

    def test_every_day_has_its_metrics_today_included(self, shop: Result) -> None:
        days = DailyMetrics.objects.order_by("date")
        assert [day.date for day in days] == [NOW.date() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        assert all(day.total_visits for day in days)
        assert sum(day.total_visits for day in days) == shop.visits
        assert sum(day.total_orders for day in days) == shop.paid_orders

    def test_the_funnel_is_that_of_a_shop(self, shop: Result) -> None:
        assert 0.01 < shop.paid_orders / shop.visits < 0.06
        assert set(Order.objects.values_list("status", flat=True)) >= {"pending", "success", "expired"}
        assert VisitorSession.objects.values("channel").distinct().count() >= 6

    def test_no_consent_means_no_address_agent_or_city(self, shop: Result) -> None:
        others = VisitorSession.objects.exclude(consent="granted")
        assert others.exists()
        assert not others.exclude(ip_prefix="", user_agent="", city="").exists()


def test_the_same_seed_makes_the_same_shop_and_another_another() -> None:
    shops = []
    for seed in (3, 3, 4):
        with transaction.atomic():
            build_demo(days=2, seed=seed, now=NOW)
            shops.append(figures())
            transaction.set_rollback(True)
    assert shops[0] == shops[1] != shops[2]


def test_a_shop_with_products_gets_the_staff_login_and_nothing_else() -> None:
    ProductFactory.create()
    assert not build_demo(days=2, seed=7, now=NOW).created
    assert Product.objects.count() == 1
    assert User.objects.get().email == STAFF_EMAIL


def test_a_second_run_leaves_a_password_that_staff_changed() -> None:
    ProductFactory.create()
    build_demo(days=2, seed=7, now=NOW)
    staff = User.objects.get()
    staff.set_password("something-better-91")
    staff.save()
    build_demo(days=2, seed=7, now=NOW)
    assert User.objects.get().check_password("something-better-91")


def test_it_refuses_to_run_in_production(settings: Any) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(NotInDevelopmentError):
        build_demo(days=2, seed=7, now=NOW)
    with pytest.raises(CommandError, match="development only"):
        call_command("demo")
    assert not User.objects.exists()


def test_the_command_says_for_machines_what_it_made() -> None:
    out = StringIO()
    call_command("demo", "--days", "2", "--json", stdout=out, stderr=StringIO())
    said = json.loads(out.getvalue())
    assert (said["created"], said["products"], said["days"]) == (True, 24, 2)


def test_the_command_says_for_people_that_there_was_a_shop() -> None:
    ProductFactory.create()
    out = StringIO()
    call_command("demo", stdout=out, stderr=StringIO())
    assert "nothing was added" in out.getvalue()
    assert STAFF_EMAIL in out.getvalue()


@pytest.mark.parametrize("days", ["0", "1001", "many", "-1"])
def test_days_are_a_number_that_makes_sense(days: str) -> None:
    with pytest.raises(CommandError, match="from 1 to 1000"):
        call_command("demo", "--days", days)
