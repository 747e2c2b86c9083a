"""A customer with a unique mark in every field: given out whole, erased but for what an invoice must keep."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.test import Client

from analytics.services import aggregate_today
from checkout.models import ReminderAddress
from core import mail, personal_data
from core import redis as core_redis
from core.clock import now
from customers.models import ApiToken, Customer, User
from customers.selectors import subject_with_email
from customers.services import create_token
from orders.models import Order
from sessions_app.ingest import flush
from sessions_app.models import DeadLetter, SessionEvent, VisitorSession
from tests.billing_server import BillingService
from tests.customers.member import Member, logged_in, mails, member, token_in
from tests.factories import PASSWORD, CouponFactory, CustomerFactory, UserFactory
from tests.stored import (
    everything,
    everything_but_of_days,
    files_of_days,
    found_of,
    pass_a_night,
    rows_of,
    words_of_days,
)
from tests.world import Shopper, World, attempt_of, check_books, report, together

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "mark-mail@example.com"
NEW_EMAIL = "mark-newmail@example.com"
BILLED = {
    "line1": "Mark-bill-line1",
    "line2": "Mark-bill-line2",
    "city": "Mark-bill-city",
    "region": "Mark-bill-region",
    "postalCode": "MB1 1AA",
    "country": "GB",
}
SHIPPED = {name: text.replace("bill", "ship").replace("MB1", "MS1") for name, text in BILLED.items()}
AT_HOME = {name: text.replace("bill", "home").replace("MB1", "MH1") for name, text in BILLED.items()}
HOME = {"kind": "shipping", "isDefault": True} | AT_HOME
ON_THE_INVOICE = {"Mark-first", "Mark-last", "Mark-ship-region", *BILLED.values()} - {"GB"}
ERASED = {
    EMAIL, NEW_EMAIL, "Mark-phone", "Mark-agent", "198.51.100.", "/mark-page", "mark-referrer.example", "mark-source",
    "mark-medium", "mark-campaign", "mark-term", "mark-content", "Mark-query", "Mark-own-first", "Mark-own-last",
    "Mark-own-phone", "Mark-logged",
    *(set(SHIPPED.values()) - {"GB", "Mark-ship-region"}), *(set(AT_HOME.values()) - {"GB"}),
}  # fmt: skip
COUNTED = {"/mark-page", "mark-referrer.example", "mark-source", "mark-medium", "mark-campaign"}
"""Of these the numbers of days say how many came so, of whomever."""


@pytest.fixture(autouse=True)
def _everything_is_measured(settings: LazySettings) -> None:
    settings.CONSENT_MODE = "opt_out"


class Marked(Member):
    """Mark, who leaves a trace everywhere."""

    def __init__(self) -> None:
        super().__init__(EMAIL)
        self.client.defaults |= {"HTTP_USER_AGENT": "Mozilla/5.0 Mark-agent", "REMOTE_ADDR": "198.51.100.7"}

    def look_around(self) -> None:
        page = "/mark-page?utm_source=mark-source&utm_medium=mark-medium&utm_campaign=mark-campaign"
        page += "&utm_term=mark-term&utm_content=mark-content"
        view = {"eventType": "page_view", "page": page, "referrer": "https://mark-referrer.example/who"}
        search = {"eventType": "search", "metadata": {"query": "Mark-query"}}
        own = {"eventType": "page_view", "page": f"/account/{EMAIL}"}
        self.post("/analytics/track", {"events": [view, search, own]})
        self.call("put", "/storefront/session/consent", {"analytics": True})

    def order_as(self, world: World, **more: Any) -> Order:
        bought = self.buy(
            world, coupon=CouponFactory().code, email=EMAIL, firstName="Mark-first", lastName="Mark-last",
            phone="Mark-phone", shippingAddress=SHIPPED, billingAddress=BILLED, **more,
        )  # fmt: skip
        return Order.objects.get(pk=bought["order"]["orderId"])


@pytest.fixture
def marked(logged: list[str], world: World, billing: BillingService) -> Marked:
    """Visits, an account, a paid order, one that is cancelled, one that waits, checkouts, mails; all stored."""
    member(EMAIL)
    mark = Marked()
    mark.look_around()
    mark.log_in()
    mark.change(firstName="Mark-own-first", lastName="Mark-own-last", phone="Mark-own-phone", addresses=[HOME])
    mark.change(email=NEW_EMAIL, currentPassword=PASSWORD)
    mark.ask_for_reset()
    Member(EMAIL).register()
    report(attempt_of(mark.order_as(world)), "success")
    mark.post(f"/orders/{mark.order_as(world).id}/cancel")
    mark.order_as(world)
    mark.checkout((world.tea, 1))
    mark.get("/orders")  # kept in Redis
    mails()
    mark.ask_for_reset()
    customer = mark.customer
    admin = UserFactory.create(email="admin@example.com", is_staff=True, is_superuser=True)
    unsubscribed = ReminderAddress.objects.create(email=EMAIL, unsubscribed_at=now())
    rows: list[Model | None] = [customer, customer.user, customer.addresses.get(), unsubscribed]
    for row in filter(None, rows):
        LogEntry.objects.log_actions(admin.pk, [row], 2, [{"changed": {"object": "Mark-logged"}}], single_object=True)
    flush(consumer="test")
    session = VisitorSession.objects.filter(customer=customer).first()
    assert session is not None
    DeadLetter.objects.create(entry={"session_id": session.pk.hex, "page": "/mark-page"}, error="test")
    mark.look_around()  # on its way to the database
    return mark


def exported(**options: Any) -> Any:
    stdout = StringIO()
    call_command("export_customer", EMAIL, stdout=stdout, stderr=StringIO(), **options)
    return json.loads(stdout.getvalue()) if stdout.getvalue() else None


def erase() -> None:
    call_command("erase_customer", EMAIL.upper(), "--yes", stdout=StringIO())


def test_the_control_every_mark_is_stored_before(marked: Marked) -> None:
    assert found_of(ERASED | ON_THE_INVOICE, everything()) == ERASED | ON_THE_INVOICE


def test_after_erasing_only_what_invoices_must_keep_is_found(
    marked: Marked, logged: list[str], admin_client: Client
) -> None:
    flush(consumer="test")
    aggregate_today(now=now())
    erase()
    pass_a_night()
    left = everything_but_of_days()
    assert found_of(ERASED, left) == set()
    assert found_of(ON_THE_INVOICE, left) == ON_THE_INVOICE
    assert found_of(ERASED | ON_THE_INVOICE, words_of_days()) == COUNTED
    assert found_of(ERASED | ON_THE_INVOICE, files_of_days(admin_client)) <= COUNTED
    with pytest.raises(CommandError, match="Nothing is held"):
        exported()
    assert logged
    assert found_of(ERASED | ON_THE_INVOICE, "\n".join(logged)) == set()


def test_the_export_has_every_mark_that_is_of_the_customer(marked: Marked) -> None:
    flush(consumer="test")
    text = json.dumps(exported())
    of_staff = {"Mark-logged"}
    assert found_of(ERASED | ON_THE_INVOICE, text) == (ERASED | ON_THE_INVOICE) - of_staff


def test_the_export_has_no_secret(marked: Marked) -> None:
    text = json.dumps(exported())
    order, user = Order.objects.first(), marked.customer.user
    assert order is not None
    assert user is not None
    assert order.access_token_hash not in text
    assert user.password not in text
    assert "argon2" not in text


def test_a_token_is_given_out_without_what_opens_and_goes_with_the_account(marked: Marked) -> None:
    """Of a customer who was staff once: staff are not erased."""
    user = marked.customer.user
    assert user is not None
    ends = now() + timedelta(days=9)
    token, text = create_token(user=user, name="sheet", scopes=[], expires_at=ends, now=now())
    (held,) = exported()["held"]["apiTokens"]
    assert (held["name"], token.token_hash in str(held), text in str(held)) == ("sheet", False, False)
    erase()
    assert not ApiToken.objects.exists()


def test_the_api_gives_out_the_same(marked: Marked) -> None:
    flush(consumer="test")
    answer = marked.get("/storefront/account/export")
    assert answer.status_code == 200
    held, by_command = answer.json()["data"]["held"], exported()["held"]
    assert held.keys() == by_command.keys()
    assert [order["number"] for order in held["orders"]] == [order["number"] for order in by_command["orders"]]
    assert {name: len(rows) for name, rows in held.items()} == {name: len(rows) for name, rows in by_command.items()}
    assert "attachment" in answer["Content-Disposition"]


def test_everybody_is_given_out_their_own(marked: Marked) -> None:
    grace = logged_in("grace@example.com")
    text = grace.get("/storefront/account/export").content.decode()
    assert found_of(ERASED | ON_THE_INVOICE, text) == set()


def test_an_order_keeps_its_number_lines_and_sums(marked: Marked) -> None:
    paid = Order.objects.get(status="success")
    erase()
    kept = Order.objects.get(pk=paid.pk)
    assert (kept.number, kept.total, kept.tax_lines, kept.paid_at) == (
        paid.number,
        paid.total,
        paid.tax_lines,
        paid.paid_at,
    )
    assert kept.items.count() == 1
    assert kept.billing_address == BILLED
    assert kept.shipping_address == {"country": "GB", "region": "Mark-ship-region"}
    assert "erased" in kept.needs_attention
    check_books()


def test_an_order_that_was_never_paid_keeps_no_name(marked: Marked) -> None:
    erase()
    for order in Order.objects.exclude(status="success"):
        assert (order.status, order.first_name, order.billing_address) == ("cancelled", "", {})


def test_a_pending_order_is_cancelled_and_its_stock_is_free(marked: Marked, world: World) -> None:
    erase()
    world.mug.refresh_from_db()
    assert world.mug.stock_quantity == 9


def test_a_link_to_the_order_opens_nothing_any_more(world: World, billing: BillingService) -> None:
    shopper = Shopper()
    bought = shopper.buy(world)
    stranger, path = Shopper(), f"/orders/{bought['order']['orderId']}"
    assert stranger.get(path, **{"X-Order-Token": bought["orderToken"]}).status_code == 200
    personal_data.erase(subject_with_email(shopper.email), now=now())
    assert stranger.get(path, **{"X-Order-Token": bought["orderToken"]}).status_code == 404
    assert shopper.get(path).status_code == 404


def test_the_account_is_logged_out_everywhere_and_the_address_is_free(marked: Marked) -> None:
    other = Member(EMAIL)
    other.log_in()
    erase()
    assert (other.account().status_code, other.log_in().status_code) == (401, 401)
    assert not User.objects.with_email(EMAIL).exists()
    fresh = Member(EMAIL)
    fresh.register()
    assert fresh.verify(token_in(mails()[-1])).status_code == 200
    assert fresh.log_in().status_code == 200
    assert fresh.order_numbers() == []


def test_twice_is_harmless(marked: Marked) -> None:
    erase()
    once = {table: rows for table, rows in rows_of("").items() if "session" not in table}
    erase()
    assert {table: rows for table, rows in rows_of("").items() if "session" not in table} == once


def test_others_keep_everything(marked: Marked, world: World) -> None:
    grace = logged_in("grace@example.com")
    grace.change(phone="Grace-phone", addresses=[HOME | {"line1": "Grace-line1"}])
    grace.buy(world, email=EMAIL.replace("mark", "grace"), phone="Grace-phone-2")
    flush(consumer="test")
    marks = {"Grace-phone", "Grace-line1", "Grace-phone-2"}
    erase()
    assert found_of(marks, everything()) == marks
    assert grace.account().status_code == 200
    assert len(grace.order_numbers()) == 1


def test_what_still_waits_for_redis_is_erased_without_it(marked: Marked, monkeypatch: pytest.MonkeyPatch) -> None:
    flush(consumer="test")
    with monkeypatch.context() as outage:
        outage.setattr(core_redis.breaker, "closed_after", float("inf"))
        erase()
    assert found_of(ERASED, "\n".join(rows_of("").values())) == set()
    core_redis.breaker.was_away = True  # as a call that fails leaves it
    assert marked.visit()["type"] == "ANONYMOUS"
    flush(consumer="test")
    assert not SessionEvent.objects.filter(page="/mark-page").exists()


def test_a_customer_without_orders_leaves_no_row() -> None:
    member(EMAIL)
    erase()
    assert (Customer.objects.count(), User.objects.count()) == (0, 0)


def test_mails_and_registrations_of_an_address_that_no_customer_has_go_too() -> None:
    Member(EMAIL).register()
    erase()
    assert found_of({EMAIL}, everything()) == set()


def test_the_log_forgets_who_it_was_that_staff_deleted(admin_client: Client) -> None:
    guest = CustomerFactory.create(email=EMAIL)
    assert admin_client.post(f"/admin/customers/customer/{guest.pk}/delete/", {"post": "yes"}).status_code == 302
    assert EMAIL in everything()
    erase()
    assert EMAIL not in everything()
    assert LogEntry.objects.get().object_repr == "erased"


def test_the_log_never_has_an_address(admin_client: Client) -> None:
    """Customers who change their addresses get new rows, and nobody could tell whose the old ones were."""
    ada = logged_in(EMAIL)
    ada.change(addresses=[HOME])
    page = f"/admin/customers/address/{ada.customer.addresses.get().pk}/change/"
    form = {"customer": ada.customer.pk, "kind": "shipping", "line1": AT_HOME["line1"], "city": AT_HOME["city"]}
    form |= {"postal_code": AT_HOME["postalCode"], "country": "GB"}
    assert admin_client.post(page, form).status_code == 302
    entry = LogEntry.objects.get()
    assert found_of(set(AT_HOME.values()) - {"GB"}, f"{entry.object_repr} {entry.change_message}") == set()


# By the customer


def test_a_customer_erases_their_account_with_its_password(marked: Marked) -> None:
    assert marked.call("delete", "/storefront/account", {}).status_code == 400
    assert marked.call("delete", "/storefront/account", {"currentPassword": "a-wrong-horse-55"}).status_code == 400
    assert marked.account().status_code == 200
    assert marked.call("delete", "/storefront/account", {"currentPassword": PASSWORD}).status_code == 200
    flush(consumer="test")
    assert found_of(ERASED, everything()) == set()
    assert marked.account().status_code == 401


def test_erasing_and_buying_at_once_leave_nothing_behind(world: World, billing: BillingService, crowd: None) -> None:
    ada = logged_in(EMAIL)
    checkouts = [ada.checkout((world.mug, 1)) for _time in range(6)]
    subject = subject_with_email(EMAIL)

    def act(place: int) -> Any:
        if place == 6:
            return personal_data.erase(subject, now=now())
        return ada.confirm(checkouts[place], world, phone="Mark-phone").status_code

    results = together(7, act)
    assert not [result for result in results if isinstance(result, Exception)], results
    left = Order.objects.filter(customer_id__in=subject.customers)
    assert {(order.phone, order.email) for order in left} <= {("", "")}


# The commands


def test_asked_first_the_command_erases_nothing_without_a_yes(marked: Marked, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout, stderr = StringIO(), StringIO()
    monkeypatch.setattr("sys.stdin", StringIO(f"no\n{EMAIL}\n"))
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_customer", EMAIL, "--json", stdout=stdout, stderr=stderr)
    assert "orders: 3" in stderr.getvalue()
    assert Customer.objects.with_email(EMAIL).exists()
    call_command("erase_customer", EMAIL, "--json", stdout=stdout, stderr=stderr)
    assert json.loads(stdout.getvalue())["erased"]["orders"] == 3  # and not what was asked
    assert not Customer.objects.with_email(EMAIL).exists()


def test_with_nobody_to_ask_nothing_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    CustomerFactory.create(email=EMAIL)
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_customer", EMAIL)
    assert Customer.objects.with_email(EMAIL).exists()


def test_an_account_of_staff_is_not_erased() -> None:
    UserFactory.create(email=EMAIL, is_staff=True)
    with pytest.raises(CommandError, match="staff"):
        erase()


def test_the_export_of_nothing_fails() -> None:
    with pytest.raises(CommandError, match="Nothing is held"):
        exported()


def test_the_export_is_written_for_nobody_else_to_read(tmp_path: Path) -> None:
    CustomerFactory.create(email=EMAIL)
    file = tmp_path / "customer.json"
    exported(output=file)
    assert json.loads(file.read_text())["held"]["customer"][0]["email"] == EMAIL
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="cannot be written"):
        exported(output=file)


def test_a_mail_that_waits_is_not_sent_after_the_erasing() -> None:
    ada = member(EMAIL)
    ada.ask_for_reset()
    erase()
    assert mail.send_due(now=now()) == 0


def test_staff_screens_show_what_is_left(marked: Marked, admin_client: Client) -> None:
    erase()
    order = Order.objects.filter(status="success").get()
    assert admin_client.get(f"/admin/orders/order/{order.pk}/change/").status_code == 200
    assert admin_client.get(f"/admin/customers/customer/{order.customer_id}/change/").status_code == 200


def test_of_an_address_that_nobody_has_the_command_says_so() -> None:
    stdout = StringIO()
    call_command("erase_customer", "ad@example.com", "--yes", stdout=stdout)
    assert stdout.getvalue() == "Nothing was held about this email.\n"
