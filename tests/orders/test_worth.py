"""What pieces that come back are worth: reckoned by hand, and to the penny of what was paid."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout import pricing
from checkout.pricing import Discount, Tax
from orders.services.desk.worth import Line, Sale, paid_for, worth_of

MUGS, TEA = Line(1, 2, Decimal("40.00")), Line(2, 3, Decimal("10.00"))


def sale(discount: str = "0", *rates: str, currency: str = "GBP") -> Sale:
    """Two mugs for 40.00 and three teas for 10.00."""
    return Sale([MUGS, TEA], Decimal("50.00"), Decimal(discount), [Decimal(rate) for rate in rates], currency)


@pytest.mark.parametrize(
    ("sold", "pieces", "worth"),
    [
        (sale(), {1: 1}, "20.00"),
        (sale(), {1: 2, 2: 3}, "50.00"),
        (sale(), {2: 1}, "3.33"),
        (sale("5.00"), {1: 1}, "18.00"),  # a tenth was taken off
        (sale("0", "20"), {1: 1}, "24.00"),  # tax was added on top
        (sale("5.00", "20"), {1: 1}, "21.60"),
        (sale("0", "5", "7"), {1: 1}, "22.40"),  # two taxes
        (sale("50.00"), {1: 1}, "0"),  # it was free
        (sale(), {}, "0"),
    ],
)
def test_the_share_of_what_was_paid(sold: Sale, pieces: dict[int, int], worth: str) -> None:
    assert worth_of(sold, pieces, before={}) == Decimal(worth)


def test_pieces_that_come_back_one_by_one_come_to_what_they_cost_together() -> None:
    back = [worth_of(sale(), {2: 1}, before={2: number}) for number in range(3)]
    assert sorted(back) == [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")]


def test_a_currency_without_minor_unit_is_given_back_in_whole_ones() -> None:
    assert worth_of(sale(currency="VND"), {2: 1}, before={}) == Decimal(3)


def test_an_order_of_nothing_is_worth_nothing() -> None:
    assert paid_for(Sale([Line(1, 1, Decimal(0))], Decimal(0), Decimal(0), [], "GBP"), {1: 1}) == 0


@given(
    st.lists(st.tuples(st.decimals("0.01", "999", places=2), st.integers(1, 9)), min_size=1, max_size=5),
    st.decimals("0", "99", places=2),
    st.lists(st.decimals("0", "25", places=1), max_size=2),
)
def test_all_pieces_are_worth_the_whole_price_of_the_goods(
    cart: list[tuple[Decimal, int]], percent: Decimal, rates: list[Decimal]
) -> None:
    """As the checkout reckons it, without shipping."""
    lines = [pricing.Line(price, quantity) for price, quantity in cart]
    taxes = [Tax(f"tax {rate}", rate) for rate in rates]
    summary = pricing.price(lines, currency="GBP", discount=Discount("percent", percent), taxes=taxes)
    sold = Sale(
        [Line(place, line.quantity, line.total("GBP")) for place, line in enumerate(lines)],
        summary.subtotal,
        summary.discount_amount,
        rates,
        "GBP",
    )
    assert worth_of(sold, {line.id: line.quantity for line in sold.lines}, before={}) == summary.total
