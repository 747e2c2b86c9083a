"""How long staff wait for the lists that figures lead to, and for the pages of a visit and of a visitor, in a shop with
a million visits on one day.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from benchmarks.day import DAY, fill_day
from benchmarks.desk import looked_at
from benchmarks.measurement import Measurement
from core.clock import day_bounds
from orders.admin.links import orders_link
from orders.models import Order
from sessions_app.admin_links import visits_link
from sessions_app.dimensions import Dimension, Step
from sessions_app.models import SessionEvent, VisitorSession

LIST = "/admin/sessions_app/visitorsession/"
HOUR = timedelta(hours=1)


def visit_lists() -> Measurement:
    """Milliseconds of lists of visits and of their orders, p95: by what is frequent, by what is rare, by what is not
    there, by how far they came, by a page and by a product. The slowest look through all five million events of the
    day: no index is kept for them, which every event would pay for.
    """
    fill_day()
    return looked_at(addresses())


def visit_pages() -> Measurement:
    """Milliseconds of the pages of visits and of visitors, p95."""
    fill_day()
    visits = VisitorSession.objects.filter(events_count=30).order_by("started_at")[:20]
    pages = [f"{LIST}{visit.pk}/change/" for visit in visits]
    return looked_at([*pages, *(f"{LIST}visitor/{visit.visitor_id}/" for visit in visits)])


def addresses() -> list[str]:
    """Of lists."""
    start, until = day_bounds(DAY)
    city = VisitorSession.objects.filter(started_at__gte=start).order_by("city").values_list("city", flat=True).last()
    product = SessionEvent.objects.filter(event_type="product_view", timestamp__gte=start).first()
    assert product is not None
    assert isinstance(product.product_id, UUID)
    asked: list[tuple[dict[Dimension, str], Step]] = [
        ({}, Step.VISIT),
        ({}, Step.PAID),
        ({Dimension.DEVICE: "mobile"}, Step.CART),
        ({Dimension.SOURCE: "source-19", Dimension.CAMPAIGN: "campaign-59"}, Step.VISIT),
        ({Dimension.CITY: city or ""}, Step.VISIT),
        ({Dimension.SOURCE: "nowhere"}, Step.VISIT),
        ({Dimension.PAGE: "/products/p-2999"}, Step.VISIT),
        ({Dimension.PAGE: "/products/p-0"}, Step.CART),
        ({Dimension.PRODUCT: str(product.product_id)}, Step.PAID),
    ]
    lists = [visits_link(filters, start, until, step) for filters, step in asked]
    orders = [orders_link(filters, start, until) for filters, _step in asked[:6]]
    hour = visits_link({Dimension.PAGE: "/products/p-0"}, start, start + HOUR, Step.VISIT)
    of_customer = urlencode({"customer__id__exact": str(Order.objects.values_list("customer_id", flat=True)[0])})
    return [LIST, f"{LIST}?{of_customer}", f"{LIST}?p=150", hour, *lists, *orders]
