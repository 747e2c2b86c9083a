"""Orders by phone: priced and placed as in the shop, without a visit, to be paid by the link in the mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.services import aggregate_day
from catalog.services import OutOfStockError
from checkout.models import CheckoutSession, IdempotencyKey
from checkout.personal import checkouts_of
from checkout.services import (
    Confirmation,
    ConfirmRequest,
    Key,
    Owner,
    PhoneCart,
    Quote,
    place_phone_order,
    quote_phone_order,
    read_checkout,
)
from checkout.services.confirm import PriceChangedError
from checkout.services.coupons import CouponInvalidError, CouponMinimumNotMetError, CouponUsedUpError
from checkout.services.keys import IdempotencyKeyReusedError
from core.clock import now, shop_day
from core.errors import InvalidInputError, NotFoundError
from core.mail import send_due
from core.models import Mail
from core.personal_data import Subject
from customers.models import Customer
from orders.letters import order_link
from orders.models import Order, OutboxEvent, PaymentAttempt, WindowRule
from orders.services import cancel_order, expire_due
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.factories import CouponFactory, CustomerFactory, ShippingMethodFactory
from tests.world import ADDRESS, Shopper, World, attempt_of, check_books, report, together

pytestmark = pytest.mark.django_db
STAFF = "eve@shop.example"


def quote(world: World, *, code: str = "", method_id: UUID | None = None, **address: str) -> Quote:
    cart = PhoneCart([(world.mug.pk, 2)], code)
    return quote_phone_order(cart=cart, address=ADDRESS | address, method_id=method_id, now=now())


def call(world: World, **changes: Any) -> ConfirmRequest:
    usual = ConfirmRequest(
        email="ada@example.com",
        first_name="Ada",
        last_name="Byron",
        phone="020 7946 0000",
        shipping_address=ADDRESS,
        billing_address=None,
        shipping_method_id=world.method.pk,
    )
    return replace(usual, **changes)


def place(
    world: World, *, quantity: int = 2, code: str = "", key: str = "", fingerprint: str = "same", **changes: Any
) -> Confirmation:
    return place_phone_order(
        cart=PhoneCart([(world.mug.pk, quantity)], code),
        request=call(world, **changes),
        key=Key(path="/phone/", value=key or str(uuid4()), fingerprint=fingerprint, owner="staff:1"),
        actor=STAFF,
        now=now(),
    )


def test_the_quote_is_what_the_shop_asks(world: World, shopper: Shopper, billing: BillingService) -> None:
    bought = shopper.buy(world, (world.mug, 2))["order"]["summary"]
    summary = quote(world).checkout.summary
    sums = ("subtotal", "shippingAmount", "taxAmount", "total", "currency")
    assert (
        [summary[name] for name in sums]
        == [bought[name] for name in sums]
        == ["40.00", "10.00", "5.00", "55.00", "GBP"]
    )


def test_a_quote_writes_nothing(world: World) -> None:
    CouponFactory.create(code="TEN")
    with CaptureQueriesContext(connection) as asked:
        quote(world, code="ten")
    assert not [query for query in asked if not query["sql"].startswith("SELECT")]
    assert not CheckoutSession.objects.exists()


def test_a_quote_takes_the_cheapest_way_or_the_one_named(world: World) -> None:
    express = ShippingMethodFactory.create(zone=world.method.zone, name="Express", price=18)
    assert quote(world).checkout.shipping_method == world.method
    named = quote(world, method_id=express.pk)
    assert named.checkout.shipping_method == express
    assert [offer.method for offer in named.offers] == [world.method, express]


def test_a_quote_takes_the_cheapest_where_the_one_named_does_not_go(world: World) -> None:
    abroad = ShippingMethodFactory.create(zone__countries=["VN"])
    assert quote(world, method_id=abroad.pk).checkout.shipping_method == world.method


def test_a_quote_reduces_by_the_coupon(world: World) -> None:
    CouponFactory.create(code="TEN", kind="percent", value=10)
    assert quote(world, code=" ten ").checkout.summary["discountAmount"] == "4.00"


@pytest.mark.parametrize(
    ("coupon", "error"),
    [
        ({"code": "OTHER"}, CouponInvalidError),
        ({"code": "TEN", "minimum_subtotal": 41}, CouponMinimumNotMetError),
        ({"code": "TEN", "max_uses": 1, "used_count": 1}, CouponUsedUpError),
    ],
)
def test_a_coupon_that_may_not_be_used_is_refused(world: World, coupon: dict[str, Any], error: type[Exception]) -> None:
    CouponFactory.create(**coupon)
    with pytest.raises(error):
        quote(world, code="TEN")
    with pytest.raises(error):
        place(world, code="TEN")
    assert not Order.objects.exists()


def test_where_nobody_ships_is_refused(world: World) -> None:
    world.method.zone.countries = ["FR"]
    world.method.zone.save()
    with pytest.raises(InvalidInputError) as refusal:
        quote(world)
    assert "shippingAddress.country" in refusal.value.details


def test_more_than_there_is_is_refused(world: World) -> None:
    with pytest.raises(OutOfStockError):
        place(world, quantity=11)
    assert not CheckoutSession.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_the_order_waits_for_its_payment_with_nothing_opened_at_billing(world: World, billing: BillingService) -> None:
    order = place(world).order
    assert (order.status, order.total, order.email) == ("pending", Decimal("55.00"), "ada@example.com")
    assert (billing.calls["open"], PaymentAttempt.objects.count()) == (0, 0)
    world.mug.refresh_from_db()
    assert world.mug.stock_quantity == 8
    check_books()


def test_history_and_outbox_are_those_of_every_order(world: World) -> None:
    order = place(world).order
    (change,) = order.history.all()
    assert (change.new, change.actor, change.reason) == ("pending", STAFF, "placed")
    assert OutboxEvent.objects.get().topic == "order.created"


def test_the_window_is_that_of_phone_orders_whatever_the_rules_say(world: World, settings: LazySettings) -> None:
    settings.PHONE_ORDER_DURATION_MINUTES = 600
    WindowRule.objects.create(name="Quick", minimum_total=1, duration_minutes=5, max_attempts=1)
    session = place(world).order.session
    assert (session.duration_minutes, session.max_payment_attempts) == (600, 3)
    assert session.expires_at - session.started_at == timedelta(hours=10)
    assert session.metadata == {}


def test_no_visit_is_made_up(world: World) -> None:
    order = Order.objects.get(pk=place(world).order.pk)
    checkout = CheckoutSession.objects.get()
    assert (order.visitor_session, order.first_touch, order.last_touch) == (None, {}, {})
    assert (checkout.visitor_session, checkout.order) == (None, order)
    assert Customer.objects.get().first_visit_at is None
    assert not VisitorSession.objects.exists()


def test_a_paid_one_is_counted_as_an_order_without_a_session(world: World, shopper: Shopper, billing: Any) -> None:
    order = place(world).order
    pay_by_link(shopper, order)
    report(attempt_of(order), "success")
    row = aggregate_day(day=shop_day(now()), now=now())
    assert (row.sessionless_orders, row.sessionless_sales, row.total_orders) == (1, Decimal("55.000"), 1)
    assert CheckoutSession.objects.get().status == "success"
    check_books()


def pay_by_link(shopper: Shopper, order: Order) -> Any:
    """What the shop's page does with the link of the mail."""
    link = urlsplit(order_link(order))
    assert link.path.endswith(f"/{order.pk}")
    (token,) = parse_qs(link.fragment)["token"]
    return shopper.post(f"/orders/{order.pk}/retry-payment", **{"X-Order-Token": token})


def test_the_link_opens_the_first_attempt(world: World, shopper: Shopper, billing: BillingService) -> None:
    order = place(world).order
    answer = pay_by_link(shopper, order)
    assert answer.status_code == 200, answer.json()
    data = answer.json()["data"]
    assert (data["paymentAttempts"], data["paymentUrl"]) == (1, attempt_of(order).payment_url)
    assert shopper.post(f"/orders/{order.pk}/retry-payment").status_code == 404


def test_the_mail_brings_the_link(world: World, mailoutbox: list[Any]) -> None:
    order = place(world, language="vi").order
    assert (Mail.objects.get().kind, Mail.objects.get().language) == ("order.received", "vi")
    send_due(now=now())
    (mail,) = mailoutbox
    assert mail.to == ["ada@example.com"]
    assert order_link(order) in mail.body


def test_a_registered_customer_is_found_and_left_as_they_are(world: World) -> None:
    known = CustomerFactory.create(email="ADA@example.com", type="registered", first_name="Augusta", phone="1")
    assert place(world).order.customer_id == known.pk
    known.refresh_from_db()
    assert (known.first_name, known.phone, Customer.objects.count()) == ("Augusta", "1", 1)


def test_the_total_that_was_read_out_is_the_one_that_is_placed(world: World) -> None:
    seen = Decimal(quote(world).checkout.summary["total"])
    world.mug.price = Decimal("21.00")
    world.mug.save(update_fields=["price"])
    with pytest.raises(PriceChangedError) as refusal:
        place(world, expected_total=seen)
    new = refusal.value.details["summary"]["total"]
    assert (Order.objects.count(), new) == (0, "57.20")
    assert place(world, expected_total=Decimal(new)).order.total == Decimal("57.20")


def test_a_limit_of_a_customer_holds_on_the_phone_too(world: World) -> None:
    coupon = CouponFactory.create(code="ONCE", max_uses_per_customer=1)
    place(world, code="once")
    with pytest.raises(CouponUsedUpError):
        place(world, code="once")
    coupon.refresh_from_db()
    assert coupon.used_count == 1
    check_books()


def test_cancelling_gives_stock_and_coupon_back(world: World) -> None:
    CouponFactory.create(code="TEN")
    order = place(world, code="ten").order
    cancel_order(order_id=order.pk, actor=STAFF, now=now())
    assert CheckoutSession.objects.get().status == "failure"
    check_books()


def test_it_expires_when_its_own_window_has_passed(world: World) -> None:
    order = place(world).order
    expire_due(now=now() + timedelta(hours=23, minutes=59))
    order.refresh_from_db()
    assert order.status == "pending"
    expire_due(now=now() + timedelta(hours=24, seconds=1))
    order.refresh_from_db()
    assert order.status == "expired"
    check_books()


def test_an_order_of_nothing_to_pay_is_paid_at_once(world: World) -> None:
    CouponFactory.create(code="GIFT", kind="percent", value=100)
    world.method.price = 0
    world.method.save()
    order = place(world, code="gift").order
    assert order.status == "success"
    assert [change.actor for change in order.history.all()] == [STAFF, STAFF]
    assert CheckoutSession.objects.get().status == "success"


def test_no_visitor_reaches_the_checkout(world: World) -> None:
    checkout_id = CheckoutSession.objects.get(order=place(world).order).pk
    with pytest.raises(NotFoundError):
        read_checkout(checkout_id=checkout_id, owner=Owner(uuid4(), uuid4()))


def test_the_checkout_is_found_by_the_customer_for_export_and_erasure(world: World) -> None:
    order = place(world).order
    subject = Subject(frozenset(), order.customer_id)
    assert checkouts_of(subject).get().order == order


def test_the_same_key_and_request_bring_the_same_order(world: World) -> None:
    first, again = place(world, key="k"), place(world, key="k")
    assert (again.order.pk, first.replayed, again.replayed) == (first.order.pk, False, True)
    assert Order.objects.count() == 1


def test_the_same_key_with_another_request_is_refused(world: World) -> None:
    place(world, key="k")
    with pytest.raises(IdempotencyKeyReusedError):
        place(world, key="k", fingerprint="other")


def test_a_refusal_leaves_the_key_free(world: World) -> None:
    with pytest.raises(OutOfStockError):
        place(world, key="k", quantity=11)
    assert not place(world, key="k", fingerprint="other").replayed


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_makes_one_order(world: World, crowd: None) -> None:
    placed = together(8, lambda _place: place(world, key="k"))
    assert len({confirmation.order.pk for confirmation in placed}) == 1
    assert sorted(confirmation.replayed for confirmation in placed) == [False] + [True] * 7
    world.mug.refresh_from_db()
    assert (Order.objects.count(), Mail.objects.count(), world.mug.stock_quantity) == (1, 1, 8)
    check_books()


@pytest.mark.django_db(transaction=True)
def test_two_forms_sent_at_once_make_two_orders(world: World, crowd: None) -> None:
    """The control: without the key they would be as many as were sent."""
    placed = together(2, lambda number: place(world, key=f"k{number}"))
    assert len({confirmation.order.pk for confirmation in placed}) == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_calls_for_the_last_piece_one_gets_it(world: World, crowd: None) -> None:
    results = together(2, lambda _place: place(world, quantity=10))
    assert sorted(type(result).__name__ for result in results) == ["Confirmation", "OutOfStockError"]
    check_books()
