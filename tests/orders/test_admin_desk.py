"""The buttons, the comment box and the timeline of an order's page: who may, by which request, what is left behind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from core.clock import now
from core.models import Mail
from customers.groups import OPS, SHOP_STAFF, create_groups
from orders.models import Order, OrderComment, OrderSession, PaymentAttempt, Refund
from orders.services import fulfil
from tests.admin_lists import list_of, queries_of
from tests.billing_server import BillingService
from tests.factories import UserFactory
from tests.world import Shopper, World, attempt_of, check_books, report

pytestmark = pytest.mark.django_db
OF_A_PAID = ("process", "withhold", "refund", "resend")
OF_A_PENDING = ("extend", "poll", "resend", "cancel")
FIELDS = {
    "ship": {"carrier": "Royal Mail", "tracking_number": "AB1", "tracking_url": "https://track.example.com/AB1"},
    "track": {"tracking_number": "AB2"},
    "extend": {"minutes": "30"},
    "refund": {"what": "whole", "reason": "it broke"},
}


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """Pending: two mugs, a tea; its first attempt open."""
    return shopper.order(world, (world.mug, 2), (world.tea, 1))


@pytest.fixture
def paid(order: Order) -> Order:
    report(attempt_of(order), "success")
    order.refresh_from_db()
    return order


def member(client: Client, *groups: str) -> Client:
    """The client, logged in as staff of these groups."""
    create_groups()
    user = UserFactory.create(email="mai@example.com", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    client.force_login(user)
    return client


def act(client: Client, order: Order, name: str, **fields: Any) -> Any:
    sent = {"_form_submitted": "True"} | (fields or FIELDS.get(name, {}))
    return client.post(f"/admin/orders/order/{order.pk}/{name}/", sent)


def page_of(client: Client, order: Order) -> str:
    return client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()


def address(order: Order, name: str) -> str:
    return f"/admin/orders/order/{order.pk}/{name}/"


def note(client: Client, order: Order, text: str) -> Any:
    return client.post(address(order, "comment"), {"text": text})


def line_of(order: Order, name: str) -> str:
    return f"line_{order.items.get(name=name).pk}"


# Buttons --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_A_PAID)
def test_what_can_be_done_with_a_paid_order_is_offered(name: str, client: Client, paid: Order) -> None:
    assert address(paid, name) in page_of(member(client, SHOP_STAFF), paid)


@pytest.mark.parametrize("name", OF_A_PENDING)
def test_what_can_be_done_with_a_pending_order_is_offered(name: str, client: Client, order: Order) -> None:
    assert address(order, name) in page_of(member(client, SHOP_STAFF), order)


@pytest.mark.parametrize("name", ["process", "ship", "track", "deliver", "withhold", "refund"])
def test_what_cannot_work_is_neither_offered_nor_done(name: str, client: Client, order: Order) -> None:
    staff = member(client, SHOP_STAFF)
    assert address(order, name) not in page_of(staff, order)
    assert act(staff, order, name).status_code == 403


def test_staff_take_an_order_from_the_shelf_to_the_door(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    for name in ("process", "ship", "track", "deliver"):
        assert act(staff, paid, name).headers["HX-Redirect"] == address(paid, "change")
    paid.refresh_from_db()
    assert (paid.fulfillment_status, paid.tracking_number) == ("delivered", "AB2")
    actors = paid.history.filter(field="fulfillment_status").values_list("actor", flat=True)
    assert list(actors) == ["mai@example.com"] * 4
    assert LogEntry.objects.filter(object_id=str(paid.pk)).count() == 4


def test_a_dialog_that_was_opened_in_a_tab_of_its_own_leads_back_too(client: Client, paid: Order) -> None:
    answer = act(member(client, SHOP_STAFF), paid, "process")
    assert answer.headers["Refresh"] == f"0; url={address(paid, 'change')}"


def test_a_paid_order_that_is_not_to_be_sent_is_withheld_for_a_reason(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    assert "HX-Redirect" not in act(staff, paid, "withhold", reason="").headers
    act(staff, paid, "withhold", reason="an address that is none")
    paid.refresh_from_db()
    assert paid.fulfillment_status == "canceled"


def test_a_tracking_page_that_is_none_is_refused(client: Client, paid: Order) -> None:
    fulfil(order_id=paid.pk, status="processing", actor="test", now=now())
    answer = act(member(client, SHOP_STAFF), paid, "ship", tracking_url="javascript:alert(1)")
    assert "HX-Redirect" not in answer.headers
    paid.refresh_from_db()
    assert paid.fulfillment_status == "processing"


def test_staff_give_more_time(client: Client, order: Order) -> None:
    before = OrderSession.objects.get(order=order).expires_at
    act(member(client, SHOP_STAFF), order, "extend")
    assert (OrderSession.objects.get(order=order).expires_at - before).total_seconds() == 1800


def test_staff_ask_billing_and_are_told(client: Client, order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    staff = member(client, SHOP_STAFF)
    act(staff, order, "poll")
    assert "1 payment is settled." in page_of(staff, order)
    order.refresh_from_db()
    assert order.status == "success"


def test_a_silent_billing_is_told(client: Client, order: Order, billing: BillingService) -> None:
    billing.knob("get", down=True)
    staff = member(client, SHOP_STAFF)
    act(staff, order, "poll")
    assert "Billing gave no answer that counts: network." in page_of(staff, order)


def test_the_mail_is_sent_again(client: Client, paid: Order) -> None:
    before = Mail.objects.count()
    act(member(client, SHOP_STAFF), paid, "resend")
    assert Mail.objects.count() == before + 1


@pytest.mark.parametrize("name", [*OF_A_PAID, "comment"])
def test_ops_may_look_at_a_paid_order_and_nothing_else(name: str, client: Client, paid: Order) -> None:
    ops = member(client, OPS)
    assert address(paid, name) not in page_of(ops, paid)
    assert act(ops, paid, name).status_code == 403
    assert (Refund.objects.count(), OrderComment.objects.count()) == (0, 0)


@pytest.mark.parametrize("name", [*OF_A_PAID, "comment"])
def test_nobody_is_asked_to_log_in(name: str, client: Client, paid: Order) -> None:
    assert act(client, paid, name).status_code == 302
    assert Order.objects.get().fulfillment_status == "pending"


@pytest.mark.parametrize("name", [*OF_A_PAID, "comment"])
def test_a_request_without_the_token_of_the_form_does_nothing(name: str, admin_user: Any, paid: Order) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert act(client, paid, name).status_code == 403
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["process", "withhold", "refund", "resend"])
def test_looking_at_the_question_does_nothing(name: str, admin_client: Client, paid: Order) -> None:
    assert "csrfmiddlewaretoken" in admin_client.get(address(paid, name)).content.decode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", [*OF_A_PAID, *OF_A_PENDING, "ship", "track", "deliver"])
@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-7000-8000-000000000000"])
def test_an_order_that_is_not_there_has_no_buttons(name: str, key: str, admin_client: Client) -> None:
    answer = admin_client.post(f"/admin/orders/order/{key}/{name}/", {"_form_submitted": "True"} | FIELDS.get(name, {}))
    assert answer.status_code == 403


# Refunds --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"what": "whole"}, "59.950"),
        ({"what": "amount", "amount": "5"}, "5.000"),
        ({"what": "pieces", "Mug": "1"}, "22.000"),
        ({"what": "pieces", "Mug": "1", "to_stock": "on"}, "22.000"),
    ],
)
def test_staff_send_money_back(fields: dict[str, str], amount: str, client: Client, paid: Order) -> None:
    given = {line_of(paid, name) if name == "Mug" else name: value for name, value in fields.items()}
    act(member(client, SHOP_STAFF), paid, "refund", reason="it broke", **given)
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason) == (Decimal(amount), "it broke")
    assert "it broke" not in LogEntry.objects.get().change_message
    check_books()


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "amount"},
        {"what": "pieces"},
        {"what": "whole", "amount": "5"},
        {"what": "whole", "Mug": "1"},
        {"what": "pieces", "Mug": "3"},
        {"what": "pieces", "Mug": "-1"},
        {"what": "pieces", "Mug": "1", "amount": "5"},
        {"what": "amount", "amount": "5", "to_stock": "on"},
        {"what": "amount", "amount": "NaN"},
        {"what": "all of it"},
        {"what": "whole", "reason": ""},
    ],
)
def test_a_refund_that_is_not_clear_is_asked_for_again(fields: dict[str, str], client: Client, paid: Order) -> None:
    given = {line_of(paid, name) if name == "Mug" else name: value for name, value in fields.items()}
    answer = act(member(client, SHOP_STAFF), paid, "refund", **({"reason": "it broke"} | given))
    assert "HX-Redirect" not in answer.headers
    assert not Refund.objects.exists()


def test_too_much_is_refused_by_the_service_and_told(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    act(staff, paid, "refund", what="amount", amount="60", reason="it broke")
    assert "That is more than can go back" in page_of(staff, paid)


def test_what_is_refunded_whole_is_not_offered_again(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    act(staff, paid, "refund")
    assert address(paid, "refund") not in page_of(staff, paid)
    assert act(staff, paid, "refund").status_code == 403


# The page -------------------------------------------------------------------------------------------------------------


def test_a_comment_of_staff_stands_on_the_page_and_nowhere_for_the_shopper(
    client: Client, paid: Order, shopper: Shopper
) -> None:
    staff = member(client, SHOP_STAFF)
    assert note(staff, paid, "She <script>called</script>.").headers["Location"] == address(paid, "change")
    assert "She &lt;script&gt;called&lt;/script&gt;." in page_of(staff, paid)
    assert LogEntry.objects.get().object_id == str(paid.pk)
    assert "called" not in str(shopper.get(f"/orders/{paid.pk}").json())


def test_an_empty_comment_is_told(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    note(staff, paid, " ")
    assert "Write a comment" in page_of(staff, paid)
    assert not LogEntry.objects.exists()


def test_a_comment_is_not_written_by_a_link(client: Client, paid: Order) -> None:
    assert member(client, SHOP_STAFF).get(address(paid, "comment")).status_code == 405


def test_the_page_tells_from_the_first_touch_to_the_refund_in_order(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    act(staff, paid, "process")
    act(staff, paid, "refund")
    page = page_of(staff, paid)
    told = (
        "visit began", "checkout began", "status: – → pending", "attempt 1 opened", "status: pending → success",
        "fulfillment status: pending → processing", "refund requested",
    )  # fmt: skip
    places = [page.find(text) for text in told]
    assert -1 not in places
    assert places == sorted(places)
    assert "by mai@example.com: it broke" in page


@pytest.mark.parametrize("field", ["last_error", "shipping_address", "last_touch"])
def test_text_of_strangers_is_text(field: str, admin_client: Client, paid: Order) -> None:
    bad = "<script>evil</script>"
    PaymentAttempt.objects.update(last_error=bad)
    Order.objects.update(
        first_name=bad, shipping_address={"line1": bad}, last_touch={"channel": bad, "utm_source": bad}, carrier=bad
    )
    paid.history.create(new=bad, old=bad, actor=bad, reason=bad)
    assert bad not in page_of(admin_client, paid)


def test_the_next_step_is_at_the_top(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    assert f'class="ff-do" href="{address(paid, "process")}"' in page_of(staff, paid)
    act(staff, paid, "process")
    assert "Send it." in page_of(staff, paid)


def test_nobody_is_told_to_pack_what_goes_back_whole(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    act(staff, paid, "refund", what="whole", reason="changed my mind")
    assert "Nothing: all of its money is on its way back." in page_of(staff, paid)
    assert "Pack it." not in page_of(staff, paid)


def test_what_goes_back_in_part_is_packed(client: Client, paid: Order) -> None:
    staff = member(client, SHOP_STAFF)
    act(staff, paid, "refund", what="amount", amount="1.00", reason="late")
    assert "Pack it." in page_of(staff, paid)


def test_an_order_that_was_imported_has_a_page(admin_client: Client, paid: Order) -> None:
    PaymentAttempt.objects.all().delete()
    OrderSession.objects.all().delete()
    assert paid.number in page_of(admin_client, paid)


def test_the_page_takes_as_many_statements_for_a_long_history_as_for_a_short_one(
    admin_client: Client, paid: Order
) -> None:
    page = f"orders/order/{paid.pk}/change"
    list_of(admin_client, page)  # content types are cached from here on
    counts = [queries_of(admin_client, page)]
    for number in range(20):
        paid.history.create(new=str(number), actor="test")
        paid.comments.create(text=str(number), actor="test")
        Mail.objects.create(kind="order.paid", recipient=paid.email, context={"order": str(paid.pk)}, status="skipped")
    counts.append(queries_of(admin_client, page))
    assert counts == [20, 20]


# Many at once ---------------------------------------------------------------------------------------------------------


def many(client: Client, name: str, *orders: Order) -> str:
    answer = client.post(
        "/admin/orders/order/", {"action": name, "_selected_action": [str(one.pk) for one in orders]}, follow=True
    )
    return str(answer.content.decode())


def test_many_orders_are_marked_at_once_and_what_is_refused_is_named(client: Client, paid: Order, world: World) -> None:
    pending = Shopper().order(world)
    page = many(member(client, SHOP_STAFF), "process_many", paid, pending)
    assert "Done for 1 order." in page
    assert f"1 order was refused. {pending.number}: This order is not where that would be the next step." in page
    assert [one.fulfillment_status for one in Order.objects.order_by("pk")] == ["processing", "pending"]
    assert LogEntry.objects.get().object_id == str(paid.pk)
    assert paid.history.get(field="fulfillment_status").actor == "mai@example.com"


def test_many_orders_are_delivered_at_once(client: Client, paid: Order) -> None:
    Order.objects.update(fulfillment_status="shipped")
    many(member(client, SHOP_STAFF), "deliver_many", paid)
    assert Order.objects.get().fulfillment_status == "delivered"


def test_many_mails_are_sent_again_at_once(client: Client, paid: Order) -> None:
    before = Mail.objects.count()
    many(member(client, SHOP_STAFF), "resend_many", paid)
    assert Mail.objects.count() == before + 1


@pytest.mark.parametrize("name", ["process_many", "deliver_many", "resend_many"])
def test_ops_may_not_do_many(name: str, client: Client, paid: Order) -> None:
    before = Mail.objects.count()
    many(member(client, OPS), name, paid)
    assert (Order.objects.get().fulfillment_status, Mail.objects.count()) == ("pending", before)


def test_more_than_can_be_overseen_is_refused(client: Client, paid: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.admin.bulk.MOST", 0)
    assert "Choose 0 orders at most." in many(member(client, SHOP_STAFF), "process_many", paid)
    assert Order.objects.get().fulfillment_status == "pending"
