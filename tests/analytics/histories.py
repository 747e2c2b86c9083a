"""Random visits, events, orders and refunds around a day."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from hypothesis import strategies as st

CHANNELS, PAGES = ("direct", "paid", "email"), ("/a", "/b")
PRODUCTS = tuple(uuid.UUID(int=number) for number in (1, 2))
FULFILMENTS = ("pending", "processing", "shipped", "delivered", "canceled")
TYPES = ("page_view", "product_view", "add_to_cart", "checkout_started", "scrolled")


@dataclass(frozen=True, eq=False)
class Visit:
    """One of possibly several that are alike. Minutes are counted from the first instant of the day."""

    minute: int
    seconds: int
    visitor: int
    channel: str
    is_bot: bool
    unconfirmed: bool
    script_pages: int
    api_pages: int
    products: int
    carts: int
    checkouts: int
    others: int


@dataclass(frozen=True)
class Happening:
    """An event of a visit, so many minutes after it began."""

    visit: int
    minutes: int
    type: str
    source: str
    page: str
    product: uuid.UUID


@dataclass(frozen=True)
class Purchase:
    """An order, of a visit or of none, placed so many minutes after that began, and paid so many later; refunded later
    still. Its parts are in cents; `is_on_top` says whether tax comes on top of the prices.
    """

    visit: int | None
    minutes: int
    status: str
    fulfilment: str
    until_paid: int
    goods: int
    discount: int
    shipping: int
    tax: int
    is_on_top: bool
    until_refund: int | None

    @property
    def cents(self) -> int:
        """What it comes to."""
        return self.goods - self.discount + self.shipping + (self.tax if self.is_on_top else 0)


@dataclass(frozen=True)
class Joined:
    """Somebody who became a customer, so many minutes after the day began."""

    minute: int
    type: str


@dataclass(frozen=True)
class History:
    """What happened around a day."""

    visits: list[Visit]
    happenings: list[Happening]
    purchases: list[Purchase]
    joined: list[Joined]


def of_a_visit(number: int) -> st.SearchStrategy[int]:
    return st.integers(0, number - 1)


@st.composite
def histories(draw: st.DrawFn) -> History:
    visits = draw(
        st.lists(
            st.builds(
                Visit,
                minute=st.integers(-1500, 1600),
                seconds=st.sampled_from([0, 9, 10, 4000, 80000]),
                visitor=st.integers(0, 3),
                channel=st.sampled_from(CHANNELS),
                is_bot=st.sampled_from([False, False, False, True]),
                unconfirmed=st.booleans(),
                script_pages=st.integers(0, 2),
                api_pages=st.integers(0, 2),
                products=st.integers(0, 1),
                carts=st.integers(0, 1),
                checkouts=st.integers(0, 1),
                others=st.integers(0, 1),
            ),
            min_size=1,
            max_size=7,
        )
    )
    happenings = st.builds(
        Happening,
        visit=of_a_visit(len(visits)),
        minutes=st.integers(0, 1439),
        type=st.sampled_from(TYPES),
        source=st.sampled_from(["script", "api"]),
        page=st.sampled_from(PAGES),
        product=st.sampled_from(PRODUCTS),
    )
    purchases = st.builds(
        Purchase,
        visit=st.none() | of_a_visit(len(visits)),
        minutes=st.integers(0, 1439),
        status=st.sampled_from(["success", "success", "pending", "failed", "expired", "cancelled"]),
        fulfilment=st.sampled_from(FULFILMENTS),
        until_paid=st.integers(0, 1500),
        goods=st.integers(100, 9999),
        discount=st.integers(0, 99),
        shipping=st.integers(0, 500),
        tax=st.integers(0, 50),
        is_on_top=st.booleans(),
        until_refund=st.none() | st.integers(0, 3000),
    )
    joined = st.builds(Joined, minute=st.integers(-100, 1600), type=st.sampled_from(["guest", "registered"]))
    return History(
        visits,
        draw(st.lists(happenings, max_size=10)),
        draw(st.lists(purchases, max_size=4)),
        draw(st.lists(joined, max_size=3)),
    )
