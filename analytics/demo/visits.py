"""Visits: who came when, from where, and how far they went."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings

from analytics.demo import tables
from analytics.demo.dice import Dice
from catalog.models import Product
from core.clock import day_bounds
from customers.models import Customer
from sessions_app.agents import parse
from sessions_app.channels import Utm, classify, referrer_host
from sessions_app.models import Consent, ConsentRecord, SessionEvent, VisitorSession

Wares = list[tuple[Product, float]]
EAGER = 20.0
"""Enough for every step to be taken."""


@dataclass
class Person:
    """Somebody with a device and a place, who may come again and may become a customer."""

    visitor_id: UUID
    consent: str
    agent: str
    place: tuple[str, str, str]
    ip_prefix: str
    customer: Customer | None = None
    touches: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Visit:
    """A visit as it unfolds; `at` is how late it is in it."""

    person: Person
    session: VisitorSession
    at: datetime
    events: list[SessionEvent] = field(default_factory=list)
    cart: dict[UUID, tuple[Product, int]] = field(default_factory=dict)
    wants_order: bool = False
    checkout_at: datetime | None = None


@dataclass
class Town:
    """Everybody who has been here, and the proof of what they chose."""

    dice: Dice
    known: list[Person] = field(default_factory=list)
    consents: list[ConsentRecord] = field(default_factory=list)

    def somebody(self, instant: datetime) -> Person:
        """Somebody who was here before, or somebody new."""
        if self.known and self.dice.happens(tables.RETURNING):
            return self.dice.pick(self.known)
        person = new_person(self.dice, instant)
        if person.consent != Consent.UNKNOWN:
            self.consents.append(consent_of(person, instant))
        if person.consent == Consent.GRANTED:
            self.known.append(person)
        return person


def new_person(dice: Dice, instant: datetime) -> Person:
    """Somebody who has not been here before."""
    return Person(
        visitor_id=dice.id_at(instant),
        consent=dice.weighted(tables.CONSENTS),
        agent=dice.weighted(tables.AGENTS),
        place=dice.weighted(tables.PLACES),
        ip_prefix=f"198.51.{dice.between(0, 255)}.0/24",
    )


def consent_of(person: Person, instant: datetime) -> ConsentRecord:
    """The choice, as proof."""
    granted = person.consent == Consent.GRANTED
    return ConsentRecord(
        visitor_id=person.visitor_id if granted else None,
        choice=person.consent,
        policy_version=settings.CONSENT_POLICY_VERSION,
        created_at=instant,
    )


def starts_of_day(dice: Dice, day: date, growth: float) -> list[datetime]:
    """When the visits of a day begin, in order. `growth` is 1 for an ordinary day."""
    first, _next = day_bounds(day)
    amount = int(tables.VISITS_A_DAY * tables.WEEKDAYS[day.weekday()] * growth * dice.random.gauss(1, 0.07))
    hours = dice.random.choices(range(24), tables.HOURS, k=max(amount, 1))
    return sorted(first + timedelta(hours=hour, seconds=dice.random.random() * 3600) for hour in hours)


def source_of_visit(dice: Dice, day: date) -> tables.Source:
    """Where a visit of that day comes from."""
    letter = 3 if day.weekday() == tables.NEWSLETTER_DAY else 1
    weights = [(source, source.weight * (letter if source.utm[1] == "email" else 1)) for source in tables.SOURCES]
    return dice.weighted(weights)


def unfold_visit(dice: Dice, town: Town, wares: Wares, start: datetime, *, eager: bool = False) -> Visit:
    """A whole visit up to the order form. An `eager` one goes all the way."""
    person = town.somebody(start)
    source = source_of_visit(dice, start.date())
    visit = Visit(person, session_of(dice, person, source, start), at=start)
    landing = dice.weighted(wares) if dice.happens(source.lands_on_product) else None
    view_page(dice, visit, "/shop/" if landing is None else page_of(landing), landing)
    visit.session.landing_page = visit.events[0].page
    walk(dice, visit, wares, EAGER if eager else source.eagerness)
    return visit


def session_of(dice: Dice, person: Person, source: tables.Source, start: datetime) -> VisitorSession:
    """The row of a visit that begins. Without consent it holds no address, agent or city."""
    agent = parse(person.agent)
    host = referrer_host(source.referrer)
    name, medium, campaign = source.utm
    granted = person.consent == Consent.GRANTED
    known = {"ip_prefix": person.ip_prefix, "user_agent": person.agent, "city": person.place[1]} if granted else {}
    channel = classify(referrer_host=host, utm=Utm(name, medium, campaign))
    origin = {
        "channel": str(channel),
        "referrer": source.referrer,
        "referrer_host": host,
        "utm_source": name,
        "utm_medium": medium,
        "utm_campaign": campaign,
    }
    touch = {"at": start.isoformat(), **{fact: value for fact, value in origin.items() if value}}
    person.touches.append(touch)
    return VisitorSession(
        session_id=dice.id_at(start),
        visitor_id=person.visitor_id,
        consent=person.consent,
        device=agent.device,
        browser=agent.browser,
        os=agent.os,
        country=person.place[0],
        touches=[touch],
        unconfirmed=False,
        started_at=start,
        last_seen_at=start,
        **origin,
        **known,
    )


def walk(dice: Dice, visit: Visit, wares: Wares, eagerness: float) -> None:
    """The steps from the first page to the order form, until the visitor has had enough."""
    if not dice.happens(min(tables.SECOND_PAGE * eagerness**0.3, 1)):
        return
    browse(dice, visit, wares, eagerness)
    if dice.happens(tables.ADDS_TO_CART * eagerness):
        fill_cart(dice, visit, wares)
        if dice.happens(min(tables.GOES_TO_CHECKOUT * eagerness**0.3, 1)):
            view_page(dice, visit, "/shop/checkout", None)
            visit.checkout_at = visit.at
            note(dice, visit, "checkout_started", source=SessionEvent.Source.SERVER)
            visit.session.checkouts_started += 1
            visit.wants_order = dice.happens(min(tables.ORDERS * eagerness**0.3, 1))


def browse(dice: Dice, visit: Visit, wares: Wares, eagerness: float) -> None:
    """A look around: lists, products, perhaps a search."""
    if dice.happens(0.12):
        note(dice, visit, "search", metadata={"query": dice.pick(tables.SEARCHES)})
    view_page(dice, visit, "/shop/", None)
    for _again in range(dice.between(1, 3)):
        if dice.happens(min(tables.SEES_PRODUCT * eagerness**0.2, 1)):
            product = dice.weighted(wares)
            view_page(dice, visit, page_of(product), product)


def fill_cart(dice: Dice, visit: Visit, wares: Wares) -> None:
    """One to three different products."""
    for _again in range(dice.weighted(((1, 60), (2, 28), (3, 12)))):
        product = dice.weighted(wares)
        visit.cart[product.pk] = (product, dice.weighted(((1, 82), (2, 14), (4, 4))))
        view_page(dice, visit, page_of(product), product)
        note(dice, visit, "add_to_cart", page=page_of(product), product=product)
        visit.session.cart_additions += 1
    view_page(dice, visit, "/shop/cart", None)


def view_page(dice: Dice, visit: Visit, page: str, product: Product | None) -> None:
    """A page that the browser showed, and the product on it."""
    if visit.events:
        visit.at = dice.after(visit.at, 4, 75)
    note(dice, visit, "page_view", page=page)
    visit.session.script_page_views += 1
    if product is not None:
        note(dice, visit, "product_view", page=page, product=product)
        visit.session.script_product_views += 1


def note(
    dice: Dice,
    visit: Visit,
    kind: str,
    *,
    page: str = "",
    product: Product | None = None,
    source: str = SessionEvent.Source.SCRIPT,
    metadata: dict[str, str] | None = None,
) -> None:
    """One event, now; the session's counts follow it."""
    event = SessionEvent(
        event_id=dice.id_at(visit.at),
        session=visit.session,
        visitor_id=visit.session.visitor_id,
        event_type=kind,
        source=source,
        page=page,
        product_id=product.pk if product else None,
        metadata=metadata or {},
        timestamp=visit.at,
        received_at=visit.at,
    )
    visit.events.append(event)
    visit.session.events_count += 1
    visit.session.other_events += kind not in ("page_view", "product_view", "engagement")
    visit.session.last_seen_at = visit.at


def page_of(product: Product) -> str:
    """Where the shop shows it."""
    return f"/shop/products/{product.slug}"
