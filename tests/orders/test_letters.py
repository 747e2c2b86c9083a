"""The mails about an order: to whom they still say something, once each, and what they give away."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail as django_mail
from django.db import connections

from catalog.models import Product
from checkout.models import ShippingMethod
from core import mail
from core.clock import now, shop_zone
from core.models import Mail, MailText
from orders import letters
from orders.models import Order, OrderSession
from orders.services import (
    cancel_order,
    expire_due,
    refund_order,
    retry_payment,
    send_payment_reminders,
    send_refunds,
)
from orders.tokens import access_token
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import Shopper, World, attempt_of, report, together, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """Two mugs and a tea, pending, its first attempt open."""
    return shopper.order(world, (world.mug, 2), (world.tea, 1))


def kinds() -> list[str]:
    return list(Mail.objects.order_by("id").values_list("kind", flat=True))


def sent(after: timedelta = timedelta(0)) -> dict[str, Any]:
    """What goes out now, by kind (their rows go out in the order in which they were written)."""
    before = len(django_mail.outbox)
    rows = list(Mail.objects.filter(status="waiting").order_by("next_attempt_at", "id"))
    mail.send_due(now=now() + after)
    going = [row.kind for row in rows if Mail.objects.get(pk=row.pk).status == "sent"]
    return dict(zip(going, django_mail.outbox[before:], strict=True))


def both(message: Any) -> str:
    """Text and HTML of a mail."""
    return f"{message.subject}\n{message.body}\n{message.alternatives[0].content}"


def left(order: Order, share: float) -> datetime:
    """When this share of the window is left."""
    window = OrderSession.objects.get(order=order)
    return window.expires_at - timedelta(minutes=window.duration_minutes) * share


def test_a_new_order_gets_a_mail_with_the_link_to_pay(order: Order, settings: LazySettings) -> None:
    settings.BILLING_RETURN_URL = "https://shop.example.com/orders/{order_id}"
    message = sent()[letters.RECEIVED]
    link = f"https://shop.example.com/orders/{order.id}#token={access_token(order.id)}"
    assert message.to == [order.email]
    assert order.number in message.subject
    assert link in message.body
    assert f'href="{link}"' in message.alternatives[0].content
    assert "2 × " in message.body


def test_whoever_has_paid_by_then_is_not_asked_to(order: Order) -> None:
    report(attempt_of(order), "success")
    assert list(sent()) == [letters.PAID]
    assert Mail.objects.get(kind=letters.RECEIVED).status == "skipped"


def test_after_the_window_nobody_is_asked_to_pay(order: Order) -> None:
    assert sent(after=timedelta(hours=1)) == {}


def test_an_order_of_nothing_is_not_to_be_paid(world: World, billing: BillingService, shopper: Shopper) -> None:
    ShippingMethod.objects.update(price=0)
    shopper.order(world, (world.mug, 2), coupon=CouponFactory(value=Decimal(100)).code)
    assert kinds() == [letters.PAID]


def test_what_strangers_write_reaches_nobody_before_it_is_paid(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    """Anybody can order with anybody's address."""
    address = {"line1": "visit evil.example", "city": "visit evil.example", "postalCode": "N1 1AA", "country": "GB"}
    body = shopper.buy(world, firstName="visit evil.example", lastName="x", shippingAddress=address)
    order = Order.objects.get(pk=body["order"]["orderId"])
    send_payment_reminders(now=left(order, 0.3))
    mails = sent(after=timedelta(minutes=11))
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    mails |= sent()
    assert set(mails) == {letters.RECEIVED, letters.REMINDER, letters.EXPIRED}
    assert [kind for kind, message in mails.items() if "evil" in both(message)] == []


def test_a_paid_order_gets_one_mail_however_often_billing_says_so(order: Order) -> None:
    for _time in range(3):
        report(attempt_of(order), "success")
    message = sent()[letters.PAID]
    assert order.first_name in both(message)
    assert "1 High Street" in both(message)
    assert kinds().count(letters.PAID) == 1


@pytest.mark.parametrize(("language", "country"), [("en", "United Kingdom"), ("vi", "Vương quốc Anh")])
def test_the_country_has_its_name(order: Order, language: str, country: str) -> None:
    report(attempt_of(order), "success")
    Mail.objects.update(language=language)
    message = sent()[letters.PAID]
    assert [country in text for text in (message.body, message.alternatives[0].content)] == [True, True]


@pytest.mark.parametrize(("share", "number"), [(0.34, 0), (0.33, 1), (0.01, 1), (0, 0)])
def test_a_reminder_comes_when_a_third_of_the_window_is_left(order: Order, share: float, number: int) -> None:
    assert send_payment_reminders(now=left(order, share)) == number
    assert kinds().count(letters.REMINDER) == number


def test_nobody_is_reminded_twice(order: Order) -> None:
    assert [send_payment_reminders(now=left(order, share)) for share in (0.3, 0.2, 0.1)] == [1, 0, 0]


def test_a_paid_order_is_not_reminded(order: Order) -> None:
    report(attempt_of(order), "success")
    assert send_payment_reminders(now=left(order, 0.3)) == 0


@pytest.mark.django_db(transaction=True)
def test_many_reminders_at_once_are_one(world: World, billing: BillingService, shopper: Shopper) -> None:
    order = shopper.order(world, (world.tea, 1))
    at = left(order, 0.3)

    def remind(_place: int) -> int:
        try:
            return send_payment_reminders(now=at)
        finally:
            connections.close_all()

    assert sum(together(8, remind)) == 1
    assert kinds().count(letters.REMINDER) == 1


def test_an_expired_order_is_told(order: Order) -> None:
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    assert order.number in sent()[letters.EXPIRED].subject


def test_an_order_whose_attempts_failed_is_told(order: Order) -> None:
    for number in (1, 2, 3):
        report(attempt_of(order, number), "failure")
        if number < 3:
            retry_payment(order_id=order.id, now=now())
    assert order.number in sent()[letters.FAILED].subject


def test_who_cancels_knows_it(order: Order) -> None:
    cancel_order(order_id=order.id, actor="customer", now=now())
    assert sent() == {}


def test_late_money_makes_the_mail_of_the_end_untrue_and_it_is_not_sent(order: Order) -> None:
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    report(attempt_of(order), "success")
    assert list(sent()) == [letters.PAID]


def test_a_refund_is_told_with_its_amount(world: World, billing: BillingService, order: Order) -> None:
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    Product.objects.filter(pk=world.mug.pk).update(stock_quantity=0)  # late money cannot be taken any more
    billing.settle(billing.only().checkout_id, "success")
    report(attempt_of(order), "success")
    send_refunds(now=now())
    message = sent()[letters.REFUNDED]
    assert f"£{order.total:.2f}" in message.body


def test_it_speaks_the_language_of_the_order(order: Order) -> None:
    Order.objects.update(language="vi")
    Mail.objects.update(language="vi")
    message = sent()[letters.RECEIVED]
    assert message.subject.startswith("Đơn hàng")
    assert 'lang="vi"' in message.alternatives[0].content


def test_it_says_what_staff_wrote(order: Order) -> None:
    MailText.objects.create(
        kind=letters.RECEIVED, language="en", subject="Nearly yours: {number}", body="{total}!\n\nBy {until}."
    )
    message = sent()[letters.RECEIVED]
    assert message.subject == f"Nearly yours: {order.number}"
    assert f"£{order.total:.2f}!" in message.body


def test_markup_of_staff_is_text(order: Order) -> None:
    MailText.objects.create(kind=letters.RECEIVED, language="en", body="<script>1</script>")
    assert "&lt;script&gt;" in sent()[letters.RECEIVED].alternatives[0].content


def test_a_discount_is_taken_off_and_a_tax_added(world: World, billing: BillingService, shopper: Shopper) -> None:
    shopper.order(world, (world.mug, 2), coupon=CouponFactory(value=Decimal(10)).code)
    text = sent()[letters.RECEIVED].body
    assert "Discount: \N{MINUS SIGN}£4.00" in text
    assert "\nTax: £4.60" in text


def test_a_tax_that_is_part_of_the_sums_is_told_so(
    world: World, billing: BillingService, shopper: Shopper, settings: LazySettings
) -> None:
    settings.PRICES_INCLUDE_TAX = True
    order = shopper.order(world, (world.mug, 1))
    assert f"of which tax: £{order.tax_amount:.2f}" in sent()[letters.RECEIVED].body


def test_a_window_ends_at_a_moment_as_readers_write_it_with_its_time_zone(order: Order, settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Asia/Ho_Chi_Minh"
    end = OrderSession.objects.get().expires_at.astimezone(shop_zone())
    Mail.objects.update(language="vi")
    assert f"{end:%H:%M (GMT+07:00), %d/%m/%Y}" in sent()[letters.RECEIVED].body


def test_a_refund_is_told_without_the_address(billing: BillingService, order: Order) -> None:
    billing.settle(billing.only().checkout_id, "success")
    report(attempt_of(order), "success")
    refund_order(order_id=order.id, amount=Decimal(4), reason="", actor="staff", now=now())
    send_refunds(now=now())
    assert "High Street" not in both(sent()[letters.REFUNDED])
