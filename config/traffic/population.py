"""Who comes, from where, and what they mean to do. Pure: the same seed makes the same people.

A plan says what somebody does if the shop lets them. Choices among what only the shop knows (its products, its
shipping methods) are numbers from 0 to 1: `picks[0]` of 24 products is one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from random import Random
from typing import TypeVar

from config.traffic import tables

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """Who orders. The postal address is as the API takes it."""

    email: str
    first_name: str
    last_name: str
    address: dict[str, str]


@dataclass(frozen=True)
class CartLine:
    """Something put into the cart while looking at the product that the visitor saw as number `product`."""

    product: int
    quantity: int
    removed: bool = False


@dataclass(frozen=True)
class Checkout:
    """How far somebody goes at the till, and what they do at the pay page."""

    leaves_at_address: bool
    other_method: bool
    coupon: str
    orders: bool
    payments: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A visit as it is meant. A bounce sees one page. `seconds` are how long the pages are looked at, in turn."""

    lands_on_product: bool
    bounces: bool
    search: str
    picks: tuple[float, ...]
    cart: tuple[CartLine, ...]
    checkout: Checkout | None
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Visitor:
    """Somebody (or something) who comes. A bot reads pages and runs no script."""

    number: int
    is_bot: bool
    device: str
    user_agent: str
    ip: str
    country: str
    language: str
    channel: str
    referrer: str
    query: str
    consent: str
    person: Person
    plan: Plan


def population(*, seed: int) -> Iterator[Visitor]:
    """Visitors without end. Each has dice of their own, so that nobody changes who comes after them."""
    number = 0
    while True:
        yield visitor(number, Random(f"{seed}:{number}"))  # noqa: S311 - a believable crowd, not a secret
        number += 1


def arrival_gaps(*, rate: float, seed: int) -> Iterator[float]:
    """Seconds between one arrival and the next: a Poisson process of `rate` a second."""
    dice = Random(f"{seed}:arrivals")  # noqa: S311 - as above
    while True:
        yield dice.expovariate(rate)


def visitor(number: int, dice: Random) -> Visitor:
    """The visitor of this number."""
    is_bot = dice.random() < tables.BOTS
    agent = weighted(dice, [(one, one.weight) for one in tables.AGENTS])
    country = weighted(dice, [(one, one.weight) for one in tables.COUNTRIES])
    channel = weighted(dice, [(one, one.weight) for one in tables.CHANNELS])
    crawler = weighted(dice, [(name, weight) for weight, name in tables.CRAWLERS])
    return Visitor(
        number=number,
        is_bot=is_bot,
        device="bot" if is_bot else agent.device,
        user_agent=crawler if is_bot else agent.name,
        ip=address_in(dice, dice.choice(country.blocks)),
        country=country.code,
        language=dice.choice(country.languages),
        channel=channel.name,
        referrer=dice.choice(channel.referrers),
        query=dice.choice(channel.queries).format(click=f"Cj0KCQjw{dice.getrandbits(96):024x}"),
        consent="ignored" if is_bot else weighted(dice, tables.CONSENTS),
        person=person(dice, number, country),
        plan=bots_plan(dice) if is_bot else plan(dice, channel),
    )


def weighted(dice: Random, choices: Sequence[tuple[T, int]]) -> T:
    """One of the choices, by their weights."""
    return dice.choices([choice for choice, _weight in choices], [weight for _choice, weight in choices])[0]


def address_in(dice: Random, block: str) -> str:
    """An address of the block; not its first or last, which are nobody's."""
    network = ip_network(block)
    return str(network[dice.randrange(1, network.num_addresses - 1)])


def person(dice: Random, number: int, country: tables.Country) -> Person:
    """Somebody who lives there. The e-mail address is nobody's: example.com takes no mail."""
    first, last = dice.choice(tables.FIRST_NAMES), dice.choice(tables.LAST_NAMES)
    return Person(
        email=f"visitor{number}.{dice.getrandbits(24):06x}@example.com",
        first_name=first,
        last_name=last,
        address={
            "line1": f"{dice.randint(1, 180)} {dice.choice(tables.STREETS)}",
            "city": country.city,
            "postalCode": country.postal_code,
            "country": country.code,
        },
    )


def plan(dice: Random, channel: tables.Channel) -> Plan:
    """What a person means to do, the more the more eager their channel makes them."""
    bounces = dice.random() < tables.BOUNCES
    products = 0 if bounces else weighted(dice, tables.PRODUCTS_SEEN)
    cart = cart_of(dice, products, channel.eagerness)
    return Plan(
        lands_on_product=dice.random() < channel.lands_on_product,
        bounces=bounces,
        search=dice.choice(tables.SEARCHES_FOR) if not bounces and dice.random() < tables.SEARCHES else "",
        picks=tuple(dice.random() for _ in range(products + 1)),
        cart=cart,
        checkout=checkout(dice, channel.eagerness) if any(not line.removed for line in cart) else None,
        seconds=tuple(reading_time(dice) for _ in range(products + 3)),
    )


def cart_of(dice: Random, products: int, eagerness: float) -> tuple[CartLine, ...]:
    """What is put into the cart of the products that are looked at. After the first the others come more rarely."""
    lines: list[CartLine] = []
    for number in range(products):
        chance = tables.ADDS_ANOTHER if lines else tables.ADDS_TO_CART
        if dice.random() < chance * eagerness:
            removed = dice.random() < tables.REMOVES
            lines.append(CartLine(number, weighted(dice, tables.QUANTITIES), removed))
    return tuple(lines)


def checkout(dice: Random, eagerness: float) -> Checkout | None:
    """How somebody with a full cart goes on; None for those who keep it for another day."""
    goes = dice.random() < tables.GOES_TO_CHECKOUT * eagerness
    leaves = dice.random() < tables.LEAVES_AT_ADDRESS
    made = Checkout(
        leaves_at_address=leaves,
        other_method=dice.random() < tables.OTHER_METHOD,
        coupon=weighted(dice, tables.COUPONS) if dice.random() < tables.TRIES_COUPON else "",
        orders=not leaves and dice.random() < tables.ORDERS,
        payments=weighted(dice, tables.PAYMENTS),
    )
    return made if goes else None


def bots_plan(dice: Random) -> Plan:
    """Page after page, quickly, and nothing else."""
    pages = dice.randint(*tables.CRAWLER_PAGES)
    return Plan(
        lands_on_product=dice.random() < 0.5,
        bounces=False,
        search="",
        picks=tuple(dice.random() for _ in range(pages)),
        cart=(),
        checkout=None,
        seconds=tuple(dice.uniform(0.5, 3) for _ in range(pages)),
    )


def reading_time(dice: Random) -> float:
    """Seconds for which a page is looked at: most briefly, some long."""
    return round(min(dice.lognormvariate(math.log(tables.READS_SECONDS), 0.9), 600), 1)
