"""Writes the demo shop: the shop, its history day by day, and the metrics of those days."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Model
from psycopg.types.json import Jsonb

from analytics.demo import tables
from analytics.demo.clerk import Clerk, Ledger
from analytics.demo.dice import Dice
from analytics.demo.orders import check_out
from analytics.demo.shop import Shop, create_shop, ensure_staff
from analytics.demo.visits import Town, Visit, starts_of_day, unfold_visit
from analytics.services import aggregate_day
from catalog.models import Product, StockMovement
from catalog.services import adjust_stock, record_sale
from checkout.models import Coupon
from core.clock import day_bounds, shop_day
from orders.models import Order
from sessions_app.models import CrawlerDay, SessionEvent, VisitorSession
from sessions_app.months import ensure_months

BATCH = 2_000
LAPSES_AFTER = timedelta(minutes=30)
LONGEST_CHECKOUT = timedelta(minutes=25)
"""From the order form to the last thing that an order brings about by itself, its expiry."""
AT_THE_TILL = timedelta(minutes=15)
"""Somebody came so long ago and is paying now, when staff look for the first time."""
Reached = Callable[[int], None]


@dataclass(frozen=True)
class Result:
    """What was written. `created` is false where there was a shop already."""

    created: bool
    products: int = 0
    customers: int = 0
    visits: int = 0
    events: int = 0
    orders: int = 0
    paid_orders: int = 0
    days: int = 0


@transaction.atomic
def build_demo(*, days: int, seed: int, now: datetime, reached: Reached = lambda _days: None) -> Result:
    """A shop with a history of that many days up to now; where there are products, only the staff login.

    `reached` is called with the days done, once a day for the history and once more for its metrics.

    Raises:
        NotInDevelopmentError: the well-known login is for development.
    """
    staff = ensure_staff()
    if Product.objects.exists():
        return Result(created=False)
    today = shop_day(now)
    calendar = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    opened_at = day_bounds(calendar[0])[0]
    dice = Dice(seed)
    months = sorted({day.replace(day=1) for day in calendar})
    clerk = Clerk(create_shop(staff=staff, opened_at=opened_at, months=months), dice, now)
    town = Town(dice)
    visits = list(history(clerk, town, calendar, reached))
    write(clerk, town, visits)
    stock_up(clerk.shop, clerk.ledger, opened_at)
    write_crawlers(dice, calendar, now)
    write_metrics(calendar, now, reached)
    return result_of(clerk.ledger, visits, days)


def history(clerk: Clerk, town: Town, calendar: Sequence[date], reached: Reached) -> Iterator[Visit]:
    """The visits, oldest first. None goes on beyond the present."""
    begin, end = tables.GROWTH
    for number, day in enumerate(calendar):
        growth = begin + (end - begin) * number / len(calendar)
        starts = [(start, False) for start in starts_of_day(clerk.dice, day, growth)]
        if shop_day(clerk.now - AT_THE_TILL) == day:
            starts.append((clerk.now - AT_THE_TILL, True))
        for start, eager in starts:
            visit = unfold_visit(clerk.dice, town, clerk.shop.wares, start, eager=eager)
            if visit.at + LONGEST_CHECKOUT < clerk.now or (eager and visit.at < clerk.now):
                check_out(clerk, visit)
                visit.session.ended_at = ended_at(visit, clerk.now)
                yield visit
            elif visit.at < clerk.now and visit.checkout_at is None:
                yield visit
        reached(number + 1)


def ended_at(visit: Visit, now: datetime) -> datetime | None:
    """When a visit was last seen, once it has lapsed."""
    seen = visit.session.last_seen_at
    return seen if seen + LAPSES_AFTER < now else None


def write(clerk: Clerk, town: Town, visits: Sequence[Visit]) -> None:
    """All rows of the history, those that others point at first."""
    ledger = clerk.ledger
    total_customers(ledger)
    save(ledger.users, ledger.customers, ledger.addresses)
    copy([visit.session for visit in visits])
    events = [event for visit in visits for event in visit.events]
    ensure_months({event.timestamp for event in events})
    copy(events)
    save(town.consents)
    save(ledger.orders, ledger.items, ledger.windows, ledger.attempts, ledger.refunds, ledger.changes)
    save(ledger.checkouts, ledger.coupon_uses)
    for code, uses in Counter(use.coupon.code for use in ledger.coupon_uses).items():
        Coupon.objects.filter(code=code).update(used_count=uses)


def save(*lists: Sequence[Model]) -> None:
    """Inserts each list in batches."""
    for rows in lists:
        if rows:
            type(rows[0])._default_manager.bulk_create(rows, batch_size=BATCH)


def copy(rows: Sequence[Model]) -> None:
    """Inserts by COPY, four times as fast: for the two tables that have nearly all the rows."""
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    columns = ", ".join(str(field.column) for field in fields)
    read = attrgetter(*(field.attname for field in fields))
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as sink:
        for row in rows:
            sink.write_row([Jsonb(value) if isinstance(value, dict | list) else value for value in read(row)])


def total_customers(ledger: Ledger) -> None:
    """What customers have bought: paid orders, less refunds."""
    for order in ledger.orders:
        if order.status != Order.Status.SUCCESS:
            continue
        customer = order.customer
        customer.total_orders += 1
        customer.total_spent += order.total - order.refunded_amount
        customer.first_order_at = customer.first_order_at or order.placed_at
        customer.last_order_at = order.placed_at


def stock_up(shop: Shop, ledger: Ledger, opened_at: datetime) -> None:
    """The stock that history began with, its movements since, what is left, and what was sold."""
    moved, needed = movements_by_product(ledger)
    for (product, _weight), ware in zip(shop.wares, tables.WARES, strict=True):
        first = max(ware.left - moved[product.pk], needed[product.pk])
        if first:
            adjust_stock(product=product, delta=first, reason=StockMovement.Reason.INITIAL, actor=shop.staff)
    StockMovement.objects.update(created_at=opened_at)
    save(in_order(ledger.movements))
    for key, delta in moved.items():
        Product.objects.filter(pk=key).update(stock_quantity=F("stock_quantity") + delta)
    record_sale(lines=sold(ledger))


def movements_by_product(ledger: Ledger) -> tuple[Counter[UUID], Counter[UUID]]:
    """The sum of each product's movements, and the most that was ever out at once."""
    moved: Counter[UUID] = Counter()
    needed: Counter[UUID] = Counter()
    for movement in in_order(ledger.movements):
        moved[movement.product_id] += movement.delta
        needed[movement.product_id] = max(needed[movement.product_id], -moved[movement.product_id])
    return moved, needed


def in_order(movements: Sequence[StockMovement]) -> list[StockMovement]:
    """By time."""
    return sorted(movements, key=lambda movement: movement.created_at)


def sold(ledger: Ledger) -> dict[UUID, tuple[int, Decimal]]:
    """Pieces and money of each product, of paid orders."""
    sums: dict[UUID, tuple[int, Decimal]] = {}
    for item in ledger.items:
        if item.order.status == Order.Status.SUCCESS and item.product_id is not None:
            pieces, revenue = sums.get(item.product_id, (0, Decimal(0)))
            sums[item.product_id] = (pieces + item.quantity, revenue + item.line_total)
    return sums


def write_crawlers(dice: Dice, calendar: Sequence[date], now: datetime) -> None:
    """The crawlers of each day; of today as many as the day is old."""
    low, high = tables.CRAWLER_PAGES
    first, following = day_bounds(calendar[-1])
    shares = [1.0] * (len(calendar) - 1) + [(now - first) / (following - first)]
    rows: list[Any] = [
        CrawlerDay(day=day, source=SessionEvent.Source.IMPORT, page_views=int(dice.between(low, high) * share))
        for day, share in zip(calendar, shares, strict=True)
    ]
    CrawlerDay.objects.bulk_create(rows, ignore_conflicts=True)


def write_metrics(calendar: Sequence[date], now: datetime, reached: Reached) -> None:
    """The daily rows, by the same service that computes them every night."""
    with connection.cursor() as cursor:  # the planner knows nothing yet of what was written a moment ago
        for model in (VisitorSession, SessionEvent, Order):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
    for number, day in enumerate(calendar, start=1):
        aggregate_day(day=day, now=now)
        reached(len(calendar) + number)


def result_of(ledger: Ledger, visits: Sequence[Visit], days: int) -> Result:
    """The counts of what was written."""
    return Result(
        created=True,
        products=len(tables.WARES),
        customers=len(ledger.customers),
        visits=len(visits),
        events=sum(len(visit.events) for visit in visits),
        orders=len(ledger.orders),
        paid_orders=sum(order.status == Order.Status.SUCCESS for order in ledger.orders),
        days=days,
    )
