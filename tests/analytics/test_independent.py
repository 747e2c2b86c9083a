"""The numbers of a day, of its hours and of a part of it against the same numbers counted in plain Python from random
visits, events, orders and refunds.

Days of 23, 24 and 25 hours; visits over midnight, of bots, of people who never confirmed; events and money that come on
another day; orders of no visit; what browsers send twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from analytics.metrics import HOURLY, METRICS, Totals
from analytics.models import DailyBreakdown, DailyMetrics, HourlyMetrics
from analytics.periods import window
from analytics.selectors import slice_totals
from analytics.services import aggregate_day
from sessions_app.entries import Entry
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import VisitorSession
from sessions_app.services import Arrival, begin, session_entry
from sessions_app.storing import make_months, store
from tests.analytics.histories import (
    CHANNELS,
    FULFILMENTS,
    PAGES,
    PRODUCTS,
    Happening,
    History,
    Purchase,
    Visit,
    histories,
)
from tests.browsers import CHROME
from tests.factories import (
    CustomerFactory,
    OrderFactory,
    OrderSessionFactory,
    PaymentAttemptFactory,
    RefundFactory,
    SessionEventFactory,
    VisitorSessionFactory,
)

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Europe/London")
COUNTED_APART = {"crawler_page_views"}
"""What of the numbers comes from elsewhere, and has tests of its own."""
DAYS = (date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 25))
Breakdown = dict[str, tuple[int, int, int, Decimal]]


@dataclass(frozen=True)
class Counter:
    """Counts a history the plain way, from `start` to `end`, on a day that began at `midnight`."""

    history: History
    midnight: datetime
    start: datetime
    end: datetime
    unconfirmed_count: bool

    def at(self, minutes: int) -> datetime:
        return self.midnight + timedelta(minutes=minutes)

    def within(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def counts(self, visit: Visit) -> bool:
        return not visit.is_bot and (self.unconfirmed_count or not visit.unconfirmed)

    def bought(self, visit: Visit) -> list[Purchase]:
        of = self.history.visits.index
        return [each for each in self.history.purchases if each.visit is not None and each.visit == of(visit)]

    def placed(self, order: Purchase) -> datetime:
        begun = 0 if order.visit is None else self.history.visits[order.visit].minute
        return self.at(begun + order.minutes)

    def paid(self, order: Purchase) -> datetime:
        return self.placed(order) + timedelta(minutes=order.until_paid)

    def total(self, orders: Sequence[Purchase]) -> Decimal:
        return pounds(order.cents for order in orders)

    def visits(self) -> list[Visit]:
        return [visit for visit in self.history.visits if self.counts(visit) and self.within(self.at(visit.minute))]

    def happened(self) -> list[tuple[Happening, Visit]]:
        with_visits = [(each, self.history.visits[each.visit]) for each in self.history.happenings]
        return [
            (each, visit)
            for each, visit in with_visits
            if self.counts(visit) and self.within(self.at(visit.minute + each.minutes))
        ]

    def row(self) -> dict[str, Any]:
        visits, orders = self.visits(), self.history.purchases
        pages = [visit.script_pages or visit.api_pages for visit in visits]
        ordered = [visit for visit in visits if self.bought(visit)]
        paying = [visit for visit in visits if any(order.status == "success" for order in self.bought(visit))]
        checkout = [visit for visit in visits if visit.checkouts or visit in ordered]
        cart = [visit for visit in visits if visit.carts or visit in checkout]
        product = [visit for visit in visits if visit.products or visit in cart]
        joined = [each.type for each in self.history.joined if self.within(self.at(each.minute))]
        engaged = [v for v, n in zip(visits, pages, strict=True) if n >= 2 or v.seconds >= 10 or v.others]
        paid = [order for order in orders if order.status == "success" and self.within(self.paid(order))]
        placed = [order for order in orders if self.within(self.placed(order))]
        refunded = [
            order
            for order in orders
            if order.status == "success"
            and order.until_refund is not None
            and self.within(self.paid(order) + timedelta(minutes=order.until_refund))
        ]
        known = {v.visitor for v in self.history.visits if self.at(v.minute) < self.midnight}
        before = replace(self, start=self.midnight, end=self.start).visits()
        visitors = {visit.visitor for visit in visits} - {visit.visitor for visit in before}
        kinds = [each.type for each, _visit in self.happened()]
        return {
            "total_visits": len(visits),
            "unique_visits": len(visitors),
            "new_users": len(visitors - known),
            "existing_users": len(visitors & known),
            "avg_session_duration": share(sum(visit.seconds for visit in visits), len(visits), 3),
            "total_page_views": sum(pages),
            "avg_page_views_per_session": share(sum(pages), len(visits), 4),
            "engaged_sessions": len(engaged),
            "bounce_rate": share(100 * (len(visits) - len(engaged)), len(visits), 2),
            "product_sessions": len(product),
            "cart_sessions": len(cart),
            "checkout_sessions": len(checkout),
            "order_sessions": len(ordered),
            "converted_sessions": len(paying),
            "cart_rate": share(100 * len(cart), len(visits), 2),
            "checkout_rate": share(100 * len(checkout), len(cart), 2),
            "purchase_rate": share(100 * len(paying), len(checkout), 2),
            "conversion_rate": share(100 * len(paying), len(visits), 2),
            "cart_additions": kinds.count("add_to_cart"),
            "checkouts_started": kinds.count("checkout_started"),
            "total_orders": len(paid),
            "total_sales": self.total(paid),
            "gross_sales": pounds(order.goods for order in paid),
            "discounts": pounds(order.discount for order in paid),
            "shipping": pounds(order.shipping for order in paid),
            "tax": pounds(order.tax for order in paid),
            **{f"{state}_fulfillment": [order.fulfilment for order in paid].count(state) for state in FULFILMENTS},
            "new_customers": len(joined),
            "new_registered": joined.count("registered"),
            "average_order_value": share(self.total(paid), len(paid), 3),
            "refunds": self.total(refunded),
            "net_sales": self.total(paid) - self.total(refunded),
            "sessionless_orders": len([order for order in paid if order.visit is None]),
            "sessionless_sales": self.total([order for order in paid if order.visit is None]),
            "placed_orders": len(placed),
            "placed_and_paid": len([order for order in placed if order.status == "success"]),
            "failed_orders": len([order for order in placed if order.status == "failed"]),
            "expired_orders": len([order for order in placed if order.status == "expired"]),
            "cancelled_orders": len([order for order in placed if order.status == "cancelled"]),
            "payment_success_rate": share(
                100 * len([order for order in placed if order.status == "success"]), len(placed), 2
            ),
        }

    def channels(self) -> Breakdown:
        found = {}
        for channel in CHANNELS:
            if visits := [visit for visit in self.visits() if visit.channel == channel]:
                paid = [order for visit in visits for order in self.bought(visit) if order.status == "success"]
                visitors = {visit.visitor for visit in visits}
                found[channel] = (len(visits), len(visitors), len(paid), self.total(paid))
        return found

    def seen(self, kind: str) -> Breakdown:
        values = {}
        for value in PAGES if kind == "page_view" else PRODUCTS:
            hits = [
                visit.visitor
                for each, visit in self.happened()
                if each.type == kind
                and value in (each.page, each.product)
                and (each.source == "script" or not visit.script_pages)
            ]
            if hits:
                values[str(value)] = (len(hits), len(set(hits)), 0, Decimal(0))
        return values


def pounds(cents: Iterable[int]) -> Decimal:
    return Decimal(sum(cents)) / 100


def share(part: Decimal | int, whole: int, digits: int) -> Decimal:
    return round(Decimal(part) / whole, digits) if whole else Decimal(0)


def stored(counter: Counter) -> None:
    """The history as rows."""
    rows = []
    for visit in counter.history.visits:
        begun = counter.at(visit.minute)
        row = VisitorSessionFactory.build(
            visitor_id=visitor_of(visit), channel=visit.channel, is_bot=visit.is_bot, unconfirmed=visit.unconfirmed,
            script_page_views=visit.script_pages, api_page_views=visit.api_pages, script_product_views=visit.products,
            api_product_views=visit.products,
            cart_additions=visit.carts, checkouts_started=visit.checkouts, other_events=visit.others,
            started_at=begun, last_seen_at=begun + timedelta(seconds=visit.seconds),
        )  # fmt: skip
        rows.append(row)
    VisitorSession.objects.bulk_create(rows)
    for happening in counter.history.happenings:
        session = rows[happening.visit]
        SessionEventFactory(
            session=session,
            event_type=happening.type,
            source=happening.source,
            page=happening.page,
            product_id=happening.product,
            timestamp=session.started_at + timedelta(minutes=happening.minutes),
        )
    store_orders(counter, [row.session_id for row in rows])


def visitor_of(visit: Visit) -> uuid.UUID:
    return uuid.UUID(int=100 + visit.visitor)


def store_orders(counter: Counter, sessions: Sequence[uuid.UUID]) -> None:
    """What was bought in these visits and in none, and who became a customer."""
    for each in counter.history.joined:
        CustomerFactory(type=each.type, created_at=counter.at(each.minute))
    customer = CustomerFactory(created_at=counter.at(-9999)) if counter.history.purchases else None
    for purchase in counter.history.purchases:
        order = OrderFactory(
            customer=customer,
            visitor_session_id=None if purchase.visit is None else sessions[purchase.visit],
            subtotal=pounds([purchase.goods]),
            discount_amount=pounds([purchase.discount]),
            shipping_amount=pounds([purchase.shipping]),
            tax_amount=pounds([purchase.tax]),
            total=pounds([purchase.cents]),
            status=purchase.status,
            fulfillment_status=purchase.fulfilment,
            placed_at=counter.placed(purchase),
            paid_at=counter.paid(purchase) if purchase.status == "success" else None,
        )
        if purchase.status == "success" and purchase.until_refund is not None:
            made = counter.paid(purchase) + timedelta(minutes=purchase.until_refund)
            attempt = PaymentAttemptFactory(order_session=OrderSessionFactory(order=order))
            RefundFactory(attempt=attempt, amount=order.total, requested_at=made, done=True)
    for visit, session in zip(counter.history.visits, sessions, strict=True):
        if orders := counter.bought(visit):
            paid = [counter.paid(order) for order in orders if order.status == "success"]
            VisitorSession.objects.filter(pk=session).update(
                order_id=uuid.uuid4(), converted=bool(paid), converted_at=paid[0] if paid else None
            )


def delivered(counter: Counter) -> Counter:
    """The history as it comes from browsers, all of it twice; and how it must be counted then: each thing once, and as
    confirmed what a script has sent.
    """
    entries: list[Entry] = []
    visits: list[Visit] = []
    happenings: list[Happening] = []
    sessions: list[uuid.UUID] = []
    for visit in counter.history.visits:
        begun = counter.at(visit.minute)
        state = begin(arrival=Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/"), now=begun)
        profile = replace(state.profile, channel=visit.channel)
        state = replace(state, visitor_id=visitor_of(visit), profile=profile)
        source = Source.SCRIPT if visit.script_pages else Source.API
        types = {"page_view": visit.script_pages or visit.api_pages, "product_view": visit.products}
        types |= {"add_to_cart": visit.carts, "checkout_started": visit.checkouts, "scrolled": visit.others}
        events = [
            Event(type_, source, begun, page=PAGES[0], product_id=PRODUCTS[0])
            for type_ in types
            for _ in range(types[type_])
        ]
        seen = Event("engagement", source, begun + timedelta(seconds=visit.seconds))
        entries += [session_entry(state), *(event_entry(each, state.session_id) for each in [*events, seen])]
        number = len(visits)
        happenings += [Happening(number, 0, each.event_type, source, PAGES[0], PRODUCTS[0]) for each in events]
        others = visit.others + visit.carts + visit.checkouts
        visits.append(replace(visit, is_bot=False, unconfirmed=source == Source.API, others=others))
        sessions.append(state.session_id)
    make_months(entries)
    store(entries)
    store(entries[::-1])
    counted = replace(counter, history=replace(counter.history, visits=visits, happenings=happenings))
    store_orders(counted, sessions)
    return counted


def broken_down(day: date, dimension: str) -> Breakdown:
    found = DailyBreakdown.objects.filter(date=day, dimension=dimension)
    return {row.value: (row.visits, row.visitors, row.orders, row.revenue) for row in found}


def sums_in(numbers: dict[str, Any]) -> dict[str, Any]:
    """Those that hours have too."""
    return {name: number for name, number in numbers.items() if name in HOURLY}


def sums_of(stored: HourlyMetrics | Totals, counted: dict[str, Any]) -> dict[str, Any]:
    """The same numbers as stored."""
    return {name: getattr(stored, name) for name in sums_in(counted)}


def hours_of(counter: Counter) -> list[dict[str, Any]]:
    """Each hour of the day counted alone. Zones of whole hours only."""
    hour, begins = timedelta(hours=1), counter.midnight
    found = []
    while begins < counter.end:
        found.append(sums_in(replace(counter, start=begins, end=begins + hour).row()))
        begins += hour
    return found


LITTLE = hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@LITTLE
@given(history=histories(), unconfirmed_count=st.booleans())
def test_what_is_delivered_twice_is_counted_once_and_by_whether_a_script_ran(
    settings: Settings, history: History, unconfirmed_count: bool
) -> None:
    settings.SHOP_TIME_ZONE, settings.COUNT_UNCONFIRMED_SESSIONS = str(ZONE), unconfirmed_count
    start, end = bounds(DAYS[1])
    with transaction.atomic():
        counter = delivered(Counter(history, start, start, end, unconfirmed_count))
        aggregate_day(day=DAYS[1], now=end)
        assert_counted(DAYS[1], counter)
        transaction.set_rollback(True)


def bounds(day: date) -> tuple[datetime, datetime]:
    """Its first instant, and the next day's."""
    days = (day, day + timedelta(days=1))
    first, last = (datetime(each.year, each.month, each.day, tzinfo=ZONE).astimezone(UTC) for each in days)
    return first, last


def assert_counted(day: date, counter: Counter) -> None:
    """The rows of the day, of its hours and of its breakdowns say what is counted here."""
    row, expected = DailyMetrics.objects.get(date=day), counter.row()
    assert {name: round(Decimal(getattr(row, name)), 4) for name in expected} == expected
    assert [sums_of(hour, expected) for hour in HourlyMetrics.objects.order_by("hour")] == hours_of(counter)
    assert broken_down(day, "channel") == counter.channels()
    assert broken_down(day, "page") == counter.seen("page_view")
    assert broken_down(day, "product") == counter.seen("product_view")


@pytest.mark.parametrize("day", DAYS)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories(), unconfirmed_count=st.booleans(), minutes=st.integers(0, 23 * 60 - 1))
def test_every_number_is_what_plain_python_counts(
    settings: Settings, day: date, history: History, unconfirmed_count: bool, minutes: int
) -> None:
    settings.SHOP_TIME_ZONE, settings.COUNT_UNCONFIRMED_SESSIONS = str(ZONE), unconfirmed_count
    start, end = bounds(day)
    counter = Counter(history, start, start, end, unconfirmed_count)
    with transaction.atomic():
        stored(counter)
        aggregate_day(day=day, now=end)
        assert_counted(day, counter)
        cut, row = start + timedelta(minutes=minutes), DailyMetrics.objects.get(date=day)
        expected = replace(counter, end=cut).row()
        assert sums_of(slice_totals(window(1, cut), row), expected) == sums_in(expected)
        transaction.set_rollback(True)  # the next example begins with nothing
    assert expected.keys() == METRICS.keys() - COUNTED_APART
