"""Reminders of abandoned checkouts: who gets one, once, and what stands in it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout import letters
from checkout.models import CheckoutSession, ReminderAddress
from checkout.services import reminding
from checkout.services.idle import expire_idle
from checkout.services.reminding import BATCH
from core.clock import now
from core.models import Mail, MailText
from orders.services import cancel_order, expire_due
from tests.billing_server import BillingService
from tests.checkout.leaving import HOUR, leave, remind, sent, ship
from tests.customers.member import member
from tests.factories import CheckoutSessionFactory
from tests.world import Shopper, World, altered, attempt_of, report, together, window_ends

pytestmark = pytest.mark.django_db


def reminders() -> list[str]:
    """The addresses that a reminder was written to."""
    return [row.recipient for row in Mail.objects.filter(kind=letters.REMINDER).order_by("recipient")]


def test_who_asked_and_left_is_reminded_after_an_hour(world: World, shopper: Shopper) -> None:
    leave(shopper, world)
    assert remind(after=1.4 * HOUR) == 0
    assert remind(after=1.6 * HOUR) == 1
    assert reminders() == [shopper.email]
    checkout = CheckoutSession.objects.get()
    assert (checkout.reminder, checkout.reminded_at is not None) == ("sent", True)


def test_the_hour_is_a_setting(world: World, shopper: Shopper, settings: LazySettings) -> None:
    settings.ABANDONED_REMINDER_AFTER_MINUTES = 240
    leave(shopper, world)
    assert [remind(after=hours * HOUR) for hours in (4, 5)] == [0, 1]


def test_who_did_not_ask_is_not_reminded_and_leaves_no_address(world: World, shopper: Shopper) -> None:
    checkout = leave(shopper, world, remindMe=None)
    assert (checkout.email, checkout.reminder, checkout.reminder_asked_at) == ("", "", None)
    assert remind() == 0


def test_an_order_is_no_wish_to_be_reminded(world: World, billing: BillingService, shopper: Shopper) -> None:
    window_ends(shopper.order(world), ago=timedelta(minutes=5))
    expire_due(now=now())
    assert CheckoutSession.objects.lapsed().exists()
    assert remind() == 0


def test_the_wish_can_be_taken_back(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    ship(shopper, checkout_id, remindMe=True, email=shopper.email)
    assert shopper.get(f"/checkout/{checkout_id}").json()["data"]["remindMe"] is True
    ship(shopper, checkout_id, remindMe=False)
    assert shopper.get(f"/checkout/{checkout_id}").json()["data"]["remindMe"] is False
    assert CheckoutSession.objects.get().email == ""


def test_a_wish_stays_when_nothing_is_said_of_it(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    ship(shopper, checkout_id, remindMe=True, email=shopper.email)
    asked_at = CheckoutSession.objects.get().reminder_asked_at
    ship(shopper, checkout_id)
    ship(shopper, checkout_id, remindMe=True, email=shopper.email)
    assert CheckoutSession.objects.get().reminder_asked_at == asked_at is not None


@pytest.mark.parametrize("email", ["", "nobody"])
def test_a_wish_needs_an_address(world: World, shopper: Shopper, email: str) -> None:
    answer = ship(shopper, shopper.checkout((world.mug, 1)), remindMe=True, email=email)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["email"])


def test_who_is_logged_in_need_not_type_an_address(world: World) -> None:
    ada = member()
    ada.log_in()
    leave(ada, world, email="")
    remind()
    assert reminders() == [ada.email]


def test_three_days_later_nobody_is_reminded(world: World, shopper: Shopper) -> None:
    leave(shopper, world)
    assert remind(after=timedelta(days=4)) == 0


@pytest.mark.parametrize("how", ["expired", "failed"])
def test_an_order_that_was_not_paid_is_reminded_of(
    world: World, billing: BillingService, shopper: Shopper, how: str
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    ship(shopper, checkout_id, remindMe=True, email=shopper.email)
    shopper.confirm(checkout_id, world)
    order = CheckoutSession.objects.get().order
    assert order is not None
    if how == "expired":
        window_ends(order, ago=timedelta(minutes=5))
        expire_due(now=now())
    else:
        for number in (1, 2, 3):
            report(attempt_of(order, number), "failure")
            shopper.retry(order)
    order.refresh_from_db()
    assert order.status == how
    assert remind() == 1


def test_who_cancelled_is_not_reminded(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    ship(shopper, checkout_id, remindMe=True, email=shopper.email)
    shopper.confirm(checkout_id, world)
    order = CheckoutSession.objects.get().order
    assert order is not None
    cancel_order(order_id=order.pk, actor="customer", now=now())
    assert remind() == 0
    assert not CheckoutSession.objects.lapsed().exists()


@pytest.mark.parametrize("known_by", ["visit", "address"])
def test_who_has_ordered_meanwhile_is_not_reminded(
    world: World, billing: BillingService, shopper: Shopper, known_by: str
) -> None:
    leave(shopper, world)
    if known_by == "visit":
        shopper.buy(world, email="other@example.com")
    else:
        Shopper().buy(world, email=shopper.email.upper())
    assert remind() == 0
    assert CheckoutSession.objects.lapsed().get().reminder == "dropped"


def test_an_order_of_before_is_none_of_meanwhile(world: World, billing: BillingService, shopper: Shopper) -> None:
    shopper.buy(world)
    leave(shopper, world)
    assert remind() == 1


def test_who_buys_before_it_is_sent_gets_none(world: World, billing: BillingService, shopper: Shopper) -> None:
    leave(shopper, world)
    remind()
    shopper.buy(world)
    assert [message.subject for message in sent() if "cart" in message.subject] == []


def test_an_address_is_reminded_once_a_week(world: World, shopper: Shopper) -> None:
    leave(shopper, world)
    remind()
    other = Shopper()
    other.email = shopper.email.upper()
    leave(other, world)
    assert remind() == 0
    CheckoutSession.objects.filter(reminder="dropped").update(reminder="asked", lapsed_at=now() + timedelta(days=7))
    assert remind(after=timedelta(days=7, hours=3)) == 1


def test_of_two_checkouts_of_an_address_the_later_one_is_reminded_of(world: World, shopper: Shopper) -> None:
    first, second = leave(shopper, world), leave(shopper, world)
    CheckoutSession.objects.filter(pk=first.pk).update(lapsed_at=second.lapsed_at and second.lapsed_at - HOUR / 4)
    assert remind() == 1
    assert Mail.objects.get().context == {"checkout": str(second.pk)}


def test_the_mail_tells_the_cart_of_today_and_nothing_of_the_shopper(
    world: World, shopper: Shopper, settings: LazySettings
) -> None:
    settings.SHOP_NAME = "The Mug Shop"
    leave(shopper, world)
    world.mug.price = 21
    world.mug.save()
    remind()
    (message,) = sent()
    assert message.subject == "Your cart at The Mug Shop"
    html = str(message.alternatives[0][0])
    for body in (str(message.body), html):
        assert "2 × Mug" in body
        assert "£42.00" in body
        assert "/shop/cart#restore=" in body
        assert not {word for word in ("High Street", "London", shopper.email) if word in body}


def test_the_mail_is_in_the_shoppers_language(world: World) -> None:
    shopper = Shopper(**{"accept-language": "vi"})
    leave(shopper, world)
    remind()
    (message,) = sent()
    assert message.subject.startswith("Giỏ hàng của bạn")
    assert not {"You", "cart", "reminder"} & set(re.findall(r"\w+", str(message.body).split("http")[0]))
    assert "Bạn nhận được thư này" in str(message.body)


def test_staff_write_what_it_says(world: World, shopper: Shopper) -> None:
    MailText.objects.update_or_create(
        kind=letters.REMINDER, language="en", defaults={"subject": "Still yours", "body": "For {total}."}
    )
    leave(shopper, world)
    remind()
    (message,) = sent()
    assert (message.subject, "For £40.00." in message.body) == ("Still yours", True)


def test_nothing_is_sent_of_a_cart_that_cannot_be_had(world: World, shopper: Shopper) -> None:
    leave(shopper, world)
    remind()
    world.mug.is_active = False
    world.mug.save()
    assert sent() == []


def test_an_address_that_was_erased_gets_none(world: World, shopper: Shopper) -> None:
    leave(shopper, world)
    remind()
    CheckoutSession.objects.all().delete()
    assert sent() == []


@pytest.mark.parametrize("rows", [3, 30])
def test_a_batch_takes_as_many_queries_for_30_as_for_3(rows: int) -> None:
    for number in range(rows):
        make_due(f"shopper{number}@example.com")
    with CaptureQueriesContext(connection) as captured:
        assert remind() == rows
    assert len([query for query in captured if "SAVEPOINT" not in query["sql"]]) == 7


def test_more_than_a_batch_is_taken_in_one_run() -> None:
    for number in range(BATCH + 1):
        make_due(f"shopper{number}@example.com")
    assert remind() == BATCH + 1


def make_due(email: str, **more: Any) -> CheckoutSession:
    """A checkout that its shopper is to be reminded of now."""
    fields = {"status": "timeout", "lapsed_at": now(), "reminder": "asked", "reminder_asked_at": now()} | more
    return CheckoutSessionFactory.create(email=email, **fields)


@pytest.fixture
def slow_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reminds takes a while between looking and taking."""

    def newest_by_address(checkouts: Iterable[CheckoutSession]) -> dict[str, CheckoutSession]:
        found = real(checkouts)
        time.sleep(0.2)
        return found

    real = reminding.newest_by_address
    monkeypatch.setattr(reminding, "newest_by_address", newest_by_address)


def remind_at_once() -> int:
    """How many reminders 8 workers write to 10 addresses, each of which left twice."""
    for number in range(20):
        make_due(f"shopper{number % 10}@example.com")
    return sum(together(8, lambda _place: remind()))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd", "slow_worker")
def test_many_workers_at_once_remind_once() -> None:
    assert remind_at_once() == 10
    assert reminders() == sorted(f"shopper{number}@example.com" for number in range(10))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd", "slow_worker")
def test_control_without_the_claim_they_remind_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of the checkouts nor of the addresses."""
    checkouts = type(CheckoutSession.objects.lapsed())
    monkeypatch.setattr(checkouts, "select_for_update", lambda self, **_how: self)
    late = "checkout_reminderaddress.reminded_at <= %(before)s"
    monkeypatch.setattr(reminding, "CLAIM", altered(reminding.CLAIM, (late, "true")))
    assert remind_at_once() > 10


def test_idle_checkouts_lapsed_when_their_time_was_over(world: World, shopper: Shopper) -> None:
    shopper.checkout((world.mug, 1))
    expire_idle(now=now() + 5 * HOUR)
    checkout = CheckoutSession.objects.get()
    assert checkout.lapsed_at == checkout.expires_at


def test_addresses_are_kept_in_lower_case(world: World, shopper: Shopper) -> None:
    shopper.email = shopper.email.upper()
    leave(shopper, world)
    remind()
    assert ReminderAddress.objects.get().email == shopper.email.lower()
