"""The staff page of a visit: who, how they came, and what happened, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.timezone import localtime

from catalog.models import Product
from core.admin import Link, Row, as_uuid, by_day, fact, record_page, words
from sessions_app import timeline
from sessions_app.models import VisitorSession
from sessions_app.timeline import Account, Moment

SHOWN = 500
"""Events a page."""
LONGEST_NUMBER = 4
"""Digits of a page's number."""
MARKED = {"customer_login", "order_placed", "order_completed"}
"""Events that matter as much as a milestone."""
MILESTONE = "milestone"
ORDER_DETAILS = {"order"}
May = Callable[[str], bool]
"""Whether whoever looks has a permission, `app.codename`."""


@dataclass(frozen=True)
class VisitPage:
    """What the page shows. `older` and `newer` are the addresses of what is left out, "" if nothing is."""

    visit: VisitorSession
    who: Link
    facts: list[tuple[str, str]]
    links: list[Link]
    days: list[tuple[str, list[Row]]]
    notes: list[str]
    older: str
    newer: str


def page_of(session_id: UUID, may: May, *, number: int, now: datetime) -> VisitPage | None:
    """The page of a visit that is stored, with its `number`th 500 events from the newest back; None if it is not.

    Raises:
        OperationalError: PostgreSQL cannot be asked.
    """
    sees_events = may("sessions_app.view_sessionevent")
    number = number if sees_events else 1
    is_first = number == 1
    # One event more at either end: whether there are more, and from when on others are told on the page before.
    events, passed = (SHOWN + 2 - is_first, SHOWN * (number - 1) - 1 + is_first) if sees_events else (0, 0)
    account = timeline.account(session_id, events=events, passed=passed, now=now)
    if account is None or account.row is None:
        return None
    told = part_of(account, is_first=is_first, sees_events=sees_events)
    return VisitPage(
        visit=account.row,
        who=who(account.row, may),
        facts=list(facts(account.row, account.ending)),
        links=list(links(account.row, may)),
        days=list(by_day(rows_of(told.moments, may))),
        notes=list(notes(account, told, sees_events=sees_events)),
        older=f"?events={number + 1}" if told.has_older else "",
        newer="" if is_first else f"?events={number - 1}",
    )


def number_in(text: str) -> int:
    """The page that an address asks for; the first one if it makes no sense."""
    return max(1, int(text)) if text.isdecimal() and len(text) <= LONGEST_NUMBER else 1


# Who and how ----------------------------------------------------------------------------------------------------------


def who(visit: VisitorSession, may: May) -> Link:
    """Whose visit it is, as far as whoever looks may know."""
    if visit.customer_id is None:
        return Link("Anonymous visitor")
    if not may("customers.view_customer") or visit.customer is None:
        return Link("A customer")
    return Link(str(visit.customer), record_page("customers_customer", visit.customer_id))


def facts(visit: VisitorSession, ending: str) -> Iterator[tuple[str, str]]:
    """What there is to say of the visit in short; what is not known is left out."""
    said = {
        "Began": f"{localtime(visit.started_at):%d %b %Y %H:%M:%S}",
        "State": ending,
        "Came by": joined(visit.channel, visit.utm_source, visit.utm_medium, visit.utm_campaign),
        "From": visit.referrer_host,
        "Landed on": visit.landing_page,
        "Device": joined(visit.get_device_display(), visit.browser, visit.os),
        "Place": joined(visit.city, visit.country),
        "Consent": visit.get_consent_display(),
    }
    return ((name, value) for name, value in said.items() if value)


def joined(*parts: str) -> str:
    """What there is of the parts."""
    return " · ".join(filter(None, parts))


def links(visit: VisitorSession, may: May) -> Iterator[Link]:
    """Where one goes from here."""
    yield Link("Visits of this visitor", reverse("admin:sessions_app_visitor", args=[visit.visitor_id]))
    if visit.order_id and may("orders.view_order"):
        yield Link("Order", record_page("orders_order", visit.order_id))


# What happened --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """The moments of one page, and whether there are older ones."""

    moments: list[Moment]
    has_older: bool

    @property
    def events(self) -> int:
        """How many of them are stored events."""
        return sum(moment.stored and not moment.milestone for moment in self.moments)


def part_of(account: Account, *, is_first: bool, sees_events: bool) -> Told:
    """The moments of a page: its events, and the milestones from the first of them until the next page begins. What is
    on its way is newer than all that is stored.
    """
    stored = [moment for moment in account.moments if moment.stored and not moment.milestone]
    # Of one instant the newest comes first, as it was read.
    newest_first = sorted(stored, key=lambda moment: moment.at, reverse=True)
    later, events, older = cut(newest_first, is_first=is_first)
    begins = events[-1].at if older and events else None
    ends = later[0].at if later else None
    here = set(map(id, events))

    def is_told(moment: Moment) -> bool:
        if moment.milestone:
            return (begins is None or moment.at >= begins) and (ends is None or moment.at < ends)
        return id(moment) in here if moment.stored else is_first and sees_events

    return Told(list(filter(is_told, account.moments)), has_older=bool(older))


def cut(newest_first: list[Moment], *, is_first: bool) -> tuple[list[Moment], list[Moment], list[Moment]]:
    """The event after the page, those of it, and the one before."""
    begin = 0 if is_first else 1
    return newest_first[:begin], newest_first[begin : begin + SHOWN], newest_first[begin + SHOWN :]


def rows_of(moments: Iterable[Moment], may: May) -> list[Row]:
    """The moments as rows, with the products that they are about."""
    moments = list(moments)
    products = about({moment.product_id for moment in moments if moment.product_id}, may)
    hidden = frozenset() if may("orders.view_order") else ORDER_DETAILS
    return [row_of(moment, products, hidden) for moment in moments]


def row_of(moment: Moment, products: Mapping[str, Link], hidden: Iterable[str]) -> Row:
    """A moment as a row. Its details are what a browser sent: none of them is believed to be ours."""
    marked = moment.milestone or moment.what in MARKED
    left_out = hidden if moment.milestone else ()
    return Row(
        at=moment.at,
        what=words(moment.what),
        kind=MILESTONE if marked else moment.source,
        page=moment.page,
        about=products.get(moment.product_id),
        details=[(words(name), fact(value)) for name, value in moment.details.items() if name not in left_out],
        note="" if moment.stored else "still on its way to the database",
    )


def about(product_ids: Iterable[str], may: May) -> dict[str, Link]:
    """The products by id; one that is gone goes by its id."""
    keys = {text: as_uuid(text) for text in product_ids}
    if not keys:
        return {}
    names = dict(Product.objects.filter(pk__in=[key for key in keys.values() if key]).values_list("pk", "name"))
    links = {text: Link(names.get(key, text)) if key else Link(text) for text, key in keys.items()}
    if not may("catalog.view_product"):
        return links
    return {
        text: replace(link, address=record_page("catalog_product", text)) if keys[text] in names else link
        for text, link in links.items()
    }


def notes(account: Account, told: Told, *, sees_events: bool) -> Iterator[str]:
    """What is not whole about this page."""
    if not sees_events:
        yield "Only milestones: the events of visits are not yours to see."
    elif account.events_total > told.events:
        yield f"{told.events:,} of {account.events_total:,} events."
    if account.redis_away:
        yield "Redis is away: what is not stored yet is missing here."
    elif not account.stream_scanned:
        yield "Much is on its way to the database: some of this visit may be missing here."
    if sees_events and account.letters:
        yield f"{len(account.letters):,} events could not be stored (dead letters)."


def context_of(object_id: str | None, may: May, query: Mapping[str, str], *, now: datetime) -> dict[str, Any]:
    """`visit_page` for the template; None where there is no such visit."""
    key = as_uuid(object_id or "")
    return {"visit_page": page_of(key, may, number=number_in(query.get("events", "")), now=now) if key else None}
