"""Small days made by hand. `at(9, 30)` is 09:30 UTC on `DAY`, a Tuesday."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from analytics.models import DailyBreakdown, DailyMetrics
from analytics.services import aggregate_day
from orders.models import Order, OrderStatusChange
from sessions_app.models import SessionEvent, VisitorSession
from tests.factories import OrderFactory, SessionEventFactory, VisitorSessionFactory

DAY = date(2026, 3, 10)
NEXT_MORNING = datetime(2026, 3, 11, 0, 10, tzinfo=UTC)


def at(hour: int, minute: int = 0, *, day: date = DAY) -> datetime:
    """An instant of the day."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def visit(started: datetime | None = None, seconds: int = 0, **fields: Any) -> VisitorSession:
    """A visit that lasted so many seconds; begun at noon unless said otherwise."""
    started = started or at(12)
    return VisitorSessionFactory(started_at=started, last_seen_at=started + timedelta(seconds=seconds), **fields)


def event(session: VisitorSession, event_type: str, **fields: Any) -> SessionEvent:
    """Something that happened in a visit, when it began."""
    return SessionEventFactory(session=session, event_type=event_type, **fields)


def purchase(session: VisitorSession | None, *, paid: datetime | None = None, **fields: Any) -> Order:
    """An order of that visit, placed at its start; paid if `paid` says when. The visit follows."""
    placed = fields.pop("placed_at", session.started_at if session else at(12))
    if paid:
        fields |= {"status": "success", "paid_at": paid}
    order = OrderFactory(visitor_session=session, placed_at=placed, **fields)
    if session:
        session.order_id, session.converted, session.converted_at = order.id, paid is not None, paid
        session.save(update_fields=["order_id", "converted", "converted_at"])
    return order


def changed(order: Order, when: datetime, *, field: str = "status", **fields: Any) -> None:
    """The order becomes so, which its history says."""
    for name, value in fields.items():
        setattr(order, name, value)
    order.save()
    OrderStatusChange.objects.create(order=order, field=field, new=getattr(order, field), actor="-", created_at=when)


def computed(day: date = DAY, now: datetime = NEXT_MORNING) -> DailyMetrics:
    """The day's row as stored."""
    aggregate_day(day=day, now=now)
    return DailyMetrics.objects.get(date=day)


def broken_down(dimension: str, day: date = DAY) -> dict[str, tuple[int, int, int, str]]:
    """Visits, visitors, orders and revenue by value, as stored."""
    found = DailyBreakdown.objects.filter(date=day, dimension=dimension)
    return {row.value: (row.visits, row.visitors, row.orders, f"{row.revenue:.2f}") for row in found}
