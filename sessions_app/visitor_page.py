"""The staff page of a visitor: the visits, how they came about, who it is, and what floors above know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet
from django.utils.dateparse import parse_datetime

from core.admin import NOTHING, Link, moment_text, record_page
from customers.models import Customer
from sessions_app.admin_erasing import ERASE
from sessions_app.models import ConsentRecord, VisitorSession
from sessions_app.visit_page import May

VISITS = 50
"""Visits a page."""
ARRIVALS = 100
LOOKED_THROUGH = 500
"""Newest visits whose touches are shown: an id of the day may be shared by all who sit behind one address."""
FEW = 20
"""Customers or choices that are shown; few visitors have more than one."""
OF_THE_DAY = (
    "Without consent to be recognised: the id holds for one day (UTC) only, and whoever has the same address and "
    "browser that day shares it."
)


@dataclass(frozen=True)
class Section:
    """A table of the page. A cell is a text or a `Link`; `sentence` says the sum of it."""

    title: str
    headers: list[str]
    rows: list[list[Any]]
    sentence: str = ""


@dataclass(frozen=True)
class Visitor:
    """Whose page it is, and who looks."""

    visitor_id: UUID
    may: May

    def visits(self) -> QuerySet[VisitorSession]:
        """All visits, in no order."""
        return VisitorSession.objects.filter(visitor_id=self.visitor_id).order_by()


@dataclass(frozen=True)
class VisitorPage:
    """What the page shows. `older` and `newer` are the addresses of other visits, "" if there are none."""

    visitor_id: UUID
    first_seen: datetime
    number: int
    note: str
    customers: list[Link]
    visits: Section
    older: str
    newer: str
    answer: str = ""
    """The address of the visit on whose page the visitor is given out and erased, for those who may."""
    sections: list[Section] = field(default_factory=list)


Part = Callable[[Visitor], Section | None]


def page_of(visitor: Visitor, *, page: int) -> VisitorPage | None:
    """The page of a visitor with the `page`th 50 visits from the newest back; None if nobody came by that id."""
    found = visitor.visits()
    known = found.aggregate(first_seen=Min("started_at"), number=Count("pk"), network=Max("ip_prefix"))
    if known["first_seen"] is None:
        return None
    passed = VISITS * (page - 1)
    visits = list(found.order_by("-started_at", "-session_id")[passed : passed + VISITS + 1])
    return VisitorPage(
        visitor_id=visitor.visitor_id,
        first_seen=known["first_seen"],
        number=known["number"],
        note="" if known["network"] else OF_THE_DAY,
        customers=customers_of(visitor),
        visits=visits_section(visits[:VISITS], visitor.may),
        older=f"?visits={page + 1}" if len(visits) > VISITS else "",
        newer=f"?visits={page - 1}" if page > 1 else "",
        answer=answer_page(visits[0], visitor.may) if known["network"] and visits else "",
        sections=[section for part in parts if (section := part(visitor))],
    )


def answer_page(visit: VisitorSession, may: May) -> str:
    """The page of a visit with the buttons for it; of a visitor that could be recognised they mean all visits."""
    return record_page("sessions_app_visitorsession", visit.pk) if may(ERASE) else ""


def visits_section(visits: Iterable[VisitorSession], may: May) -> Section:
    """The visits, each a link to its page."""
    rows = [
        [
            Link(moment_text(visit.started_at), record_page("sessions_app_visitorsession", visit.pk)),
            visit.channel,
            visit.utm_campaign or NOTHING,
            visit.landing_page or NOTHING,
            visit.get_device_display(),
            visit.page_views,
            outcome(visit, may),
        ]
        for visit in visits
    ]
    return Section("Visits", ["Began", "Channel", "Campaign", "Landing page", "Device", "Pages", "Came to"], rows)


def outcome(visit: VisitorSession, may: May) -> Link | str:
    """How far the visit came; an order leads there for those who may see orders."""
    if visit.order_id:
        came = "paid order" if visit.converted else "order"
        return Link(came, record_page("orders_order", visit.order_id)) if may("orders.view_order") else came
    return "checkout" if visit.checkouts_started else "cart" if visit.cart_additions else NOTHING


def customers_of(visitor: Visitor) -> list[Link]:
    """Who was logged in in one of the visits."""
    if not visitor.may("customers.view_customer"):
        return []
    known = visitor.visits().exclude(customer=None).values("customer")
    found = Customer.objects.filter(pk__in=known).order_by("created_at")[:FEW]
    return [Link(str(customer), record_page("customers_customer", customer.pk)) for customer in found]


# The parts ----------------------------------------------------------------------------------------------------------


def arrivals(visitor: Visitor) -> Section | None:
    """The touches, in order."""
    newest = visitor.visits().order_by("-started_at").values_list("touches", flat=True)[:LOOKED_THROUGH]
    touches = [touch for found in reversed(newest) for touch in found]
    if not touches:
        return None
    left_out = f"The newest {ARRIVALS} of {len(touches):,}." if len(touches) > ARRIVALS else ""
    headers = ["When", "Channel", "Source", "Medium", "Campaign", "Referrer"]
    return Section("Arrivals", headers, [arrival_row(touch) for touch in touches[-ARRIVALS:]], left_out)


def arrival_row(touch: dict[str, Any]) -> list[Any]:
    """A touch as a line."""
    names = ("channel", "utm_source", "utm_medium", "utm_campaign", "referrer")
    return [touch_time(touch), *(touch.get(name) or NOTHING for name in names)]


def touch_time(touch: dict[str, Any]) -> str:
    """When; touches that were imported may say nothing that can be read."""
    try:
        return moment_text(parse_datetime(str(touch.get("at", ""))))
    except ValueError:
        return NOTHING


def consents(visitor: Visitor) -> Section | None:
    """What was said about being measured, as proof."""
    if not visitor.may("sessions_app.view_consentrecord"):
        return None
    records = ConsentRecord.objects.filter(visitor_id=visitor.visitor_id).order_by("-id")[:FEW]
    rows: list[list[Any]] = [
        [moment_text(record.created_at), record.get_choice_display(), record.policy_version] for record in records
    ]
    return Section("Consent", ["When", "Choice", "Policy"], rows) if rows else None


parts: list[Part] = [arrivals, consents]


def add_part(part: Part) -> None:
    """Adds what a floor above knows; called when its app is ready. It goes first."""
    if part not in parts:
        parts.insert(0, part)
