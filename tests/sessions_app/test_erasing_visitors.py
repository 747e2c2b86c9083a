"""A visitor with a unique mark in every field that one can fill: given out, erased but for what invoices must keep."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from analytics.services import aggregate_today
from checkout.models import CheckoutSession
from core import personal_data
from core import redis as core_redis
from core.clock import now
from core.models import Mail
from customers.models import Customer
from orders.models import Order
from sessions_app import state, whose
from sessions_app.events import Event, Source, event_entry
from sessions_app.ingest import flush
from sessions_app.models import ConsentRecord, DeadLetter, SessionEvent, VisitorSession
from sessions_app.services import note_arrival
from sessions_app.services.arrivals import Arrival
from sessions_app.storing import bury, store_each
from sessions_app.tokens import CONSENT_COOKIE, SESSION_COOKIE, VISITOR_COOKIE, sign
from tests.billing_server import BillingService
from tests.customers.member import logged_in, mails
from tests.stored import (
    everything,
    everything_but_of_days,
    files_of_days,
    found_of,
    pass_a_night,
    redis_text,
    rows_of,
    words_of_days,
)
from tests.world import Shopper, World, attempt_of, check_books, report, together

pytestmark = pytest.mark.django_db(transaction=True)
BILLED = {
    "line1": "Mark-bill-line1", "line2": "Mark-bill-line2", "city": "Mark-bill-city", "region": "Mark-bill-region",
    "postalCode": "MB1 1AA", "country": "GB",
}  # fmt: skip
SHIPPED = {name: text.replace("bill", "ship").replace("MB1", "MS1") for name, text in BILLED.items()}
ON_THE_INVOICE = {"Mark-first", "Mark-last", "Mark-ship-region", *BILLED.values()} - {"GB"}
CAME = {
    "Mark-agent", "198.51.100.", "/mark-page", "mark-referrer.example", "mark-source", "mark-medium", "mark-campaign",
    "mark-term", "mark-content", "mark-earlier", "mark-landing", "mark-second", "Mark-query", "Mark-title",
    "mark_event", "/mark-late", "/mark-dead",
}  # fmt: skip
TYPED = {
    "mark-mail@example.com", "mark-cart@example.com", "Mark-phone", "Mark-cart-city", "Mark-idempotency-key",
    *(set(SHIPPED.values()) - {"GB", "Mark-ship-region"}),
}  # fmt: skip
ERASED = CAME | TYPED
COUNTED = {
    "mark-landing", "mark-earlier", "/mark-page", "/mark-late", "mark-referrer.example", "mark-source", "mark-medium",
    "mark-campaign",
}  # fmt: skip
"""Of these the numbers of days say how many came so, of whomever."""
PAGE = "/mark-page?utm_source=mark-source&utm_medium=mark-medium&utm_campaign=mark-campaign"
PAGE += "&utm_term=mark-term&utm_content=mark-content"


@pytest.fixture(autouse=True)
def _everything_is_measured(settings: LazySettings) -> None:
    settings.CONSENT_MODE = "opt_out"


class Marked(Shopper):
    """Mark, who has no account and leaves a trace everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.client.defaults |= {"HTTP_USER_AGENT": "Mozilla/5.0 Mark-agent", "REMOTE_ADDR": "198.51.100.7"}

    def come_first(self) -> None:
        """A visit that is over."""
        self.post("/storefront/session", {"landingPage": "/mark-landing"})
        self.view("/mark-earlier")
        assert self.post("/storefront/session/clear").status_code == 200

    def view(self, page: str, **more: Any) -> Any:
        return self.post("/analytics/track", {"events": [{"eventType": "page_view", "page": page} | more]})

    def look_around(self) -> None:
        self.view(PAGE, referrer="https://mark-referrer.example/who", title="Mark-title")
        self.view("/mug?utm_source=mark-second")
        self.view("/account/mark-mail@example.com")
        self.post("/analytics/track", {"eventType": "search", "metadata": {"query": "Mark-query"}})
        self.post("/storefront/session/track-event", {"eventType": "mark_event"})
        self.call("put", "/storefront/session/consent", {"analytics": True})

    def leave_a_cart(self, world: World) -> None:
        place = SHIPPED | {"city": "Mark-cart-city"}
        wish = {"shippingAddress": place, "remindMe": True, "email": "mark-cart@example.com"}
        body = {"checkoutId": self.checkout((world.tea, 1))} | wish
        assert self.post("/checkout/calculate-shipping", body).status_code == 200

    def order_as(self, world: World, key: str = "") -> Order:
        answer = self.confirm(
            self.checkout((world.mug, 1)), world, key, email="mark-mail@example.com", firstName="Mark-first",
            lastName="Mark-last", phone="Mark-phone", shippingAddress=SHIPPED, billingAddress=BILLED,
        )  # fmt: skip
        assert answer.status_code == 201, answer.json()
        return Order.objects.get(pk=answer.json()["data"]["order"]["orderId"])

    def erase(self, *, orders: bool = True) -> Any:
        return self.call("delete", "/storefront/visitor", {"orders": orders})

    def exported(self) -> Any:
        answer = self.get("/storefront/visitor/export")
        assert answer.status_code == 200, answer.json()
        return answer.json()["data"]["held"]


@pytest.fixture
def marked(logged: list[str], world: World, billing: BillingService) -> Marked:
    """Two visits, a cart that was left, an order that is paid, one that waits, mails, and what cannot be stored."""
    mark = Marked()
    mark.come_first()
    mark.look_around()
    mark.leave_a_cart(world)
    report(attempt_of(mark.order_as(world, "Mark-idempotency-key")), "success")
    mark.order_as(world)
    mark.get("/orders")  # kept in Redis
    mails()
    flush(consumer="test")
    DeadLetter.objects.create(entry={"session_id": mark.visit()["sessionId"], "page": "/mark-dead"}, error="test")
    mark.view("/mark-late")  # on its way to the database
    return mark


def run(command: str, name: object, **options: Any) -> Any:
    stdout = StringIO()
    call_command(command, str(name), stdout=stdout, stderr=StringIO(), **options)
    return stdout.getvalue()


def visit_id(shopper: Shopper) -> UUID:
    return UUID(shopper.visit()["sessionId"])


def test_the_control_every_mark_is_stored_before(marked: Marked) -> None:
    assert found_of(ERASED | ON_THE_INVOICE, everything()) == ERASED | ON_THE_INVOICE


def test_after_erasing_only_what_invoices_must_keep_is_found(
    marked: Marked, logged: list[str], admin_client: Client
) -> None:
    token = marked.client.cookies[VISITOR_COOKIE].value
    flush(consumer="test")
    aggregate_today(now=now())
    assert marked.erase().status_code == 200
    pass_a_night()
    left = everything_but_of_days()
    assert found_of(ERASED, left) == set()
    assert found_of(ON_THE_INVOICE, left) == ON_THE_INVOICE
    assert found_of(ERASED | ON_THE_INVOICE, words_of_days()) == COUNTED
    assert found_of(ERASED | ON_THE_INVOICE, files_of_days(admin_client)) <= COUNTED
    with pytest.raises(CommandError, match="No visit and no visitor"):
        run("export_visitor", token)
    assert logged
    assert found_of(ERASED | ON_THE_INVOICE, "\n".join(logged)) == set()
    check_books()


def test_by_command_it_is_the_same(marked: Marked) -> None:
    token = marked.client.cookies[VISITOR_COOKIE].value
    said = json.loads(run("erase_visitor", token, yes=True, json=True))
    assert (said["erased"]["visits"], said["erased"]["orders"]) == (2, 2)
    assert found_of(ERASED, everything()) == set()
    with pytest.raises(CommandError, match="No visit and no visitor"):
        run("export_visitor", token)


def test_the_export_has_every_mark(marked: Marked) -> None:
    assert found_of(ERASED | ON_THE_INVOICE, json.dumps(marked.exported())) == ERASED | ON_THE_INVOICE
    by_command = run("export_visitor", visit_id(marked))
    assert found_of(ERASED | ON_THE_INVOICE, by_command) == ERASED | ON_THE_INVOICE
    assert Order.objects.all()[0].access_token_hash not in by_command


def test_paid_orders_keep_what_invoices_need_and_pending_ones_are_cancelled(marked: Marked, world: World) -> None:
    marked.erase()
    paid, waited = Order.objects.get(status="success"), Order.objects.get(status="cancelled")
    assert (paid.billing_address, paid.email, paid.visitor_session_id) == (BILLED, "", None)
    assert "erased" in paid.needs_attention
    assert (waited.first_name, waited.billing_address) == ("", {})
    assert not Mail.objects.exists()
    assert Customer.objects.get().email.endswith("@erased.invalid")
    world.mug.refresh_from_db()
    assert world.mug.stock_quantity == 9


def test_with_the_orders_left_alone_they_go_on_without_their_visit(marked: Marked) -> None:
    assert marked.call("delete", "/storefront/visitor", {}).status_code == 400
    marked.erase(orders=False)
    left = everything()
    assert found_of(CAME | {"mark-cart@example.com", "Mark-cart-city", "Mark-idempotency-key"}, left) == set()
    orders = Order.objects.filter(email="mark-mail@example.com", visitor_session=None)
    assert set(orders.values_list("status", flat=True)) == {"pending", "success"}


def test_what_counts_stays(marked: Marked) -> None:
    counted = ("device", "channel", "started_at", "page_views", "converted")
    flush(consumer="test")
    before = set(VisitorSession.objects.values_list(*counted))
    marked.erase()
    assert set(VisitorSession.objects.values_list(*counted)) == before
    assert not SessionEvent.objects.exists()
    assert ConsentRecord.objects.get().choice == "granted"


# Nothing brings the visitor back


def test_the_browser_forgets_all_but_that_it_refused() -> None:
    mark = Marked()
    mark.view("/mark-page")
    erased = mark.visit()["visitorId"]
    mark.erase()
    assert (mark.client.cookies[SESSION_COOKIE].value, mark.client.cookies[VISITOR_COOKIE].value) == ("", "")
    assert mark.client.cookies[CONSENT_COOKIE].value == "denied"
    anew = mark.visit()
    assert anew["consent"] == "denied"
    assert anew["visitorId"] != erased
    assert "Mark-agent" not in everything()


@pytest.mark.parametrize("kind", ["an event", "one that cannot be stored", "an arrival", "one that fills"])
def test_what_comes_late_of_an_erased_visit_is_forgotten(kind: str) -> None:
    mark = Marked()
    mark.view("/first")
    late = live_state(mark)
    run("erase_visitor", late.session_id, yes=True)
    happened = Event("page_view", Source.SCRIPT, now(), page="/mark-late")
    match kind:
        case "an event":
            state.append([event_entry(happened, late.session_id)])
        case "one that cannot be stored":
            bury([event_entry(happened, late.session_id)], "test")
        case _:
            came = Arrival(referrer="https://mark-referrer.example/who", landing_page="/mark-late")
            note_arrival(late, arrival=came, first=kind == "one that fills", now=now())
    flush(consumer="test")
    assert found_of({"/mark-late", "mark-referrer.example"}, everything()) == set()
    assert not DeadLetter.objects.exists()


def test_the_control_late_events_of_other_visits_are_stored() -> None:
    mark = Marked()
    mark.view("/first")
    flush(consumer="test")
    late = live_state(mark)
    store_each([event_entry(Event("page_view", Source.SCRIPT, now(), page="/mark-late"), late.session_id)])
    assert SessionEvent.objects.filter(page="/mark-late").exists()


def live_state(shopper: Shopper) -> state.SessionState:
    found = state.touch(visit_id(shopper), now=now())
    assert found is not None
    return found


@pytest.mark.parametrize("opts_out", [False, True])
def test_a_page_that_sends_again_what_happened_before_brings_nothing_back(opts_out: bool) -> None:
    mark = Marked()
    mark.view("/first")
    token = mark.visit()["token"]
    before = (now() - timedelta(seconds=1)).isoformat()
    run("erase_visitor", token, yes=True)
    sent = {"events": [{"eventType": "page_view", "page": "/mark-late", "timestamp": before}], "session": token}
    sent |= {"optOut": opts_out}
    assert Shopper().post("/analytics/track", sent).status_code == 202
    flush(consumer="test")
    assert "/mark-late" not in everything()
    assert VisitorSession.objects.count() == 1 + opts_out  # whose refusal is kept in a visit


def test_a_page_that_stays_open_begins_a_visit_of_its_own() -> None:
    mark = Marked()
    mark.view("/first")
    erased = visit_id(mark)
    run("erase_visitor", erased, yes=True)
    mark.view("/second")
    flush(consumer="test")
    assert SessionEvent.objects.get().session_id != erased


def test_a_live_copy_that_a_request_brought_back_meanwhile_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = Marked()
    mark.view("/mark-page")
    live = live_state(mark)
    subject = whose.of_visit(live.session_id)
    assert subject is not None
    part = personal_data.parts["visits"]

    def erase_late(subject: personal_data.Subject, **when: Any) -> None:
        state.save(live)
        part.erase(subject, **when)

    monkeypatch.setitem(
        personal_data.parts, "visits", personal_data.Part("visits", part.tables, part.export, erase_late)
    )
    personal_data.erase(subject, now=now())
    assert "/mark-page" not in redis_text()


def test_erasing_and_buying_at_once_leave_nothing_behind(world: World, billing: BillingService, crowd: None) -> None:
    mark = Marked()
    checkouts = [mark.checkout((world.mug, 1)) for _time in range(5)]
    subject = whose.of_visit(visit_id(mark))
    assert subject is not None

    def act(place: int) -> Any:
        if place == 5:
            return personal_data.erase(subject, now=now())
        return mark.confirm(checkouts[place], world, phone="Mark-phone").status_code

    results = together(6, act)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert {(order.phone, order.email, order.visitor_session_id) for order in Order.objects.all()} <= {("", "", None)}
    assert not CheckoutSession.objects.exists()


def test_without_redis_the_rows_are_erased_and_nothing_is_believed_afterwards(
    marked: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush(consumer="test")
    marked.view("/mark-late")
    erased = VisitorSession.objects.exclude(order_id=None).get().pk
    with monkeypatch.context() as outage:
        outage.setattr(core_redis.breaker, "closed_after", float("inf"))
        run("erase_visitor", erased, yes=True)
    assert found_of(ERASED, "\n".join(rows_of("").values())) == set()
    core_redis.breaker.was_away = True  # as a call that fails leaves it
    flush(consumer="test")
    assert visit_id(marked) != erased
    assert not SessionEvent.objects.exclude(page__contains="/api/").exists()


# Whose it is


def test_nobody_is_told_anything_without_a_visit_or_a_cookie() -> None:
    Marked().view("/mark-page")
    stranger = Marked()  # with the same address and browser
    answer = stranger.get("/storefront/visitor/export")
    assert (answer.status_code, answer.json()["error"]) == (400, "NO_ACTIVE_SESSION")
    assert stranger.erase().status_code == 400


def test_without_consent_only_the_visit_is_theirs(settings: LazySettings) -> None:
    settings.CONSENT_MODE = "required"
    ada, neighbour = Marked(), Marked()  # with one id of the day
    for somebody, page in ((ada, "/ada"), (neighbour, "/mark-page")):
        somebody.visit()
        somebody.view(page)
    assert [visit["sessionId"] for visit in ada.exported()["visits"]] == [str(visit_id(ada))]
    with pytest.raises(CommandError, match="Name the visit"):
        run("export_visitor", neighbour.visit()["visitorId"])
    ada.erase()
    assert SessionEvent.objects.get().page == "/mark-page"
    assert neighbour.exported()["visits"][0]["events"][0]["page"] == "/mark-page"


def test_whoever_sits_there_next_learns_and_erases_nothing_of_an_account(world: World, billing: BillingService) -> None:
    ada = logged_in()
    ada.buy(world)
    placed = Order.objects.get()
    ada.post("/storefront/auth/logout")
    guest = Shopper()
    guest.client.cookies[VISITOR_COOKIE] = ada.client.cookies[VISITOR_COOKIE].value
    held = guest.get("/storefront/visitor/export").json()["data"]["held"]
    assert (held["visits"], held["orders"], held["checkouts"]) == ([], [], [])
    assert guest.call("delete", "/storefront/visitor", {"orders": True}).status_code == 200
    placed.refresh_from_db()
    assert placed.email == ada.email
    assert placed.visitor_session is not None
    assert placed.visitor_session.erased_at is None


def test_what_a_guest_ordered_in_an_earlier_visit_is_told_to_nobody_and_loses_its_visit(
    world: World, billing: BillingService
) -> None:
    mark = Marked()
    mark.order_as(world)
    mark.post("/storefront/session/clear")
    held = mark.exported()
    assert (len(held["visits"]), held["orders"]) == (1, [])
    mark.erase()
    order = Order.objects.get()
    assert (order.email, order.visitor_session_id, order.status) == ("mark-mail@example.com", None, "pending")


def test_orders_of_an_account_stay_with_it(world: World, billing: BillingService) -> None:
    ada = logged_in()
    ada.buy(world, phone="Ada-phone")
    ada.call("delete", "/storefront/visitor", {"orders": True})
    order = Order.objects.get()
    assert (order.phone, order.status, order.visitor_session_id) == ("Ada-phone", "pending", None)
    assert len(ada.order_numbers()) == 1
    assert ada.account().status_code == 200


def test_an_address_that_somebody_else_ordered_by_is_left_alone(world: World, billing: BillingService) -> None:
    mark, other = Marked(), Shopper()
    other.buy(world, email="mark-mail@example.com")
    mark.order_as(world)
    mark.erase()
    assert Customer.objects.get().email == "mark-mail@example.com"
    assert Order.objects.filter(email="mark-mail@example.com").count() == 1


def test_others_keep_everything(marked: Marked, world: World) -> None:
    grace = Shopper()
    grace.post("/analytics/track", {"eventType": "page_view", "page": "/grace-page"})
    grace.buy(world, phone="Grace-phone")
    marked.erase()
    flush(consumer="test")
    assert found_of({"/grace-page", "Grace-phone", grace.email}, everything()) == {
        "/grace-page",
        "Grace-phone",
        grace.email,
    }
    assert len(grace.get("/orders").json()["data"]["items"]) == 1


# The commands


def test_asked_first_the_command_erases_nothing_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = Marked()
    mark.view("/mark-page")
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    with pytest.raises(CommandError, match="Nothing was erased"):
        run("erase_visitor", visit_id(mark))
    assert not VisitorSession.objects.erased().exists()


def test_whom_nobody_knows_is_not_given_out() -> None:
    for name in ("nonsense", uuid4(), sign(uuid4(), purpose="session"), sign(uuid4(), purpose="visitor")):
        with pytest.raises(CommandError, match="No visit and no visitor"):
            run("export_visitor", name)


def test_a_visitor_is_named_by_visit_by_visitor_or_by_either_cookie() -> None:
    mark = Marked()
    mark.come_first()
    mark.view("/mark-page")
    visit = mark.visit()
    for name in (visit["sessionId"], visit["visitorId"], visit["token"], mark.client.cookies[VISITOR_COOKIE].value):
        assert len(json.loads(run("export_visitor", name))["held"]["visits"]) == 2


def test_consent_of_a_browser_whose_visits_are_gone_is_given_out_and_loses_its_name() -> None:
    browser = uuid4()
    ConsentRecord.objects.create(visitor_id=browser, session_id=uuid4(), choice="granted", policy_version="1")
    assert json.loads(run("export_visitor", browser))["held"]["consents"][0]["choice"] == "granted"
    run("erase_visitor", browser, yes=True)
    record = ConsentRecord.objects.get()
    assert (record.visitor_id, record.session_id, record.choice) == (None, None, "granted")
