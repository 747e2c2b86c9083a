"""What a cart costs, by hand and by property."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.pricing import Discount, Line, Shipping, Summary, Tax, price

DIGITS = {"GBP": 2, "VND": 0, "JPY": 0, "KWD": 3}
D = Decimal


def money(currency: str, most: int = 10_000) -> st.SearchStrategy[Decimal]:
    """Amounts that the currency can have."""
    digits = DIGITS[currency]
    return st.integers(0, most * 10**digits).map(lambda units: D(units).scaleb(-digits))


def percents() -> st.SearchStrategy[Decimal]:
    return st.integers(0, 1_000_000).map(lambda parts: D(parts).scaleb(-4))


@st.composite
def carts(draw: st.DrawFn) -> dict[str, object]:
    """Everything that `price` takes."""
    currency = draw(st.sampled_from(sorted(DIGITS)))
    lines = st.lists(st.builds(Line, money(currency), st.integers(1, 999)), min_size=1, max_size=5)
    kinds = st.one_of(
        st.builds(Discount, st.just("percent"), st.integers(0, 10_000).map(lambda p: D(p) / 100)),
        st.builds(Discount, st.just("fixed"), money(currency)),
        st.just(Discount("free_shipping", D(0))),
    )
    methods = st.builds(Shipping, money(currency, 100), st.none() | money(currency))
    taxes = st.lists(st.builds(Tax, st.just("Tax"), percents(), st.booleans()), max_size=3)
    return {
        "lines": draw(lines),
        "currency": currency,
        "discount": draw(st.none() | kinds),
        "shipping": draw(st.none() | methods),
        "taxes": draw(taxes),
        "prices_include_tax": draw(st.booleans()),
    }


def exact(amount: Fraction, digits: int) -> Decimal:
    """A fraction rounded half-even to so many digits, by another way than the code's."""
    units = round(amount * 10**digits)
    return D(units).scaleb(-digits)


@given(carts())
def test_the_total_is_the_sum_of_its_parts(cart: dict[str, object]) -> None:
    summary = price(**cart)  # type: ignore[arg-type] # a strategy's dict
    tax = D(0) if cart["prices_include_tax"] else summary.tax_amount
    assert summary.total == summary.subtotal - summary.discount_amount + summary.shipping_amount + tax
    assert summary.tax_amount == sum((line.amount for line in summary.tax_lines), D(0))


@given(carts())
def test_nothing_is_negative_and_no_discount_exceeds_the_goods(cart: dict[str, object]) -> None:
    summary = price(**cart)  # type: ignore[arg-type] # a strategy's dict
    amounts = [summary.subtotal, summary.discount_amount, summary.shipping_amount, summary.tax_amount, summary.total]
    assert all(amount >= 0 for amount in amounts)
    assert summary.discount_amount <= summary.subtotal


@given(carts())
def test_every_amount_is_whole_minor_units(cart: dict[str, object]) -> None:
    summary = price(**cart)  # type: ignore[arg-type] # a strategy's dict
    unit = D(1).scaleb(-DIGITS[summary.currency])
    amounts = [summary.subtotal, summary.discount_amount, summary.shipping_amount, summary.total]
    for amount in [*amounts, *(line.amount for line in summary.tax_lines)]:
        assert amount % unit == 0


@given(carts())
def test_the_sums_are_those_of_an_independent_computation(cart: dict[str, object]) -> None:
    summary = price(**cart)  # type: ignore[arg-type] # a strategy's dict
    assert_recomputed(summary, **cart)  # type: ignore[arg-type] # the same


def assert_recomputed(
    summary: Summary,
    *,
    lines: Sequence[Line],
    currency: str,
    discount: Discount | None,
    shipping: Shipping | None,
    taxes: Sequence[Tax],
    prices_include_tax: bool,
) -> None:
    """The same rules in fractions."""
    digits = DIGITS[currency]
    goods = sum(exact(Fraction(line.unit_price) * line.quantity, digits) for line in lines)
    off = D(0)
    if discount and discount.kind == "percent":
        off = exact(Fraction(goods) * Fraction(discount.value) / 100, digits)
    if discount and discount.kind == "fixed":
        off = min(discount.value, D(goods))
    net = goods - off
    free = shipping is None or (discount is not None and discount.kind == "free_shipping")
    if shipping and shipping.free_over is not None and net >= shipping.free_over:
        free = True
    carriage = D(0) if free or shipping is None else shipping.price
    tax_amounts = []
    for tax in taxes:
        of_goods = 100 + sum(Fraction(t.rate) for t in taxes) if prices_include_tax else Fraction(100)
        shipped = sum(Fraction(t.rate) for t in taxes if t.applies_to_shipping)
        of_carriage = 100 + shipped if prices_include_tax else Fraction(100)
        amount = Fraction(net) * Fraction(tax.rate) / of_goods
        if tax.applies_to_shipping:
            amount += Fraction(carriage) * Fraction(tax.rate) / of_carriage
        tax_amounts.append(exact(amount, digits))
    assert (summary.subtotal, summary.discount_amount, summary.shipping_amount) == (goods, off, carriage)
    assert [line.amount for line in summary.tax_lines] == tax_amounts


def test_each_line_is_rounded_half_even_on_its_own() -> None:
    lines = [Line(D("0.335"), 1), Line(D("0.345"), 1)]
    assert price(lines, currency="GBP").subtotal == D("0.68")
    assert [line.total("GBP") for line in lines] == [
        D(text).quantize(D("0.01"), rounding=ROUND_HALF_EVEN) for text in ("0.335", "0.345")
    ]


def test_tax_comes_on_top_of_goods_less_discount_and_of_shipping() -> None:
    summary = price(
        [Line(D("20.00"), 2)],
        currency="GBP",
        discount=Discount("percent", D(10)),
        shipping=Shipping(D("10.00")),
        taxes=[Tax("VAT", D(20))],
    )
    assert (summary.tax_amount, summary.total) == (D("9.20"), D("55.20"))


def test_a_tax_that_spares_shipping_is_of_the_goods_alone() -> None:
    taxes = [Tax("VAT", D(20), applies_to_shipping=False)]
    summary = price([Line(D("40.00"), 1)], currency="GBP", shipping=Shipping(D("10.00")), taxes=taxes)
    assert (summary.tax_amount, summary.total) == (D("8.00"), D("58.00"))


def test_several_taxes_are_each_rounded_and_summed() -> None:
    taxes = [Tax("GST", D("5")), Tax("QST", D("9.975"))]
    summary = price([Line(D("10.10"), 1)], currency="GBP", taxes=taxes)
    assert [line.amount for line in summary.tax_lines] == [D("0.50"), D("1.01")]
    assert summary.total == D("11.61")


def test_prices_that_include_tax_are_not_raised_by_it() -> None:
    summary = price([Line(D("120.00"), 1)], currency="GBP", taxes=[Tax("VAT", D(20))], prices_include_tax=True)
    assert (summary.tax_amount, summary.total) == (D("20.00"), D("120.00"))


def test_two_included_taxes_share_the_gross_price() -> None:
    taxes = [Tax("A", D(20)), Tax("B", D(5))]
    summary = price([Line(D("125.00"), 1)], currency="GBP", taxes=taxes, prices_include_tax=True)
    assert [line.amount for line in summary.tax_lines] == [D("20.00"), D("5.00")]
    assert summary.total == D("125.00")


def test_included_taxes_of_shipping_are_only_those_that_apply_there() -> None:
    taxes = [Tax("A", D(20)), Tax("B", D(5), applies_to_shipping=False)]
    shipping = Shipping(D("12.00"))
    summary = price([], currency="GBP", shipping=shipping, taxes=taxes, prices_include_tax=True)
    assert [line.amount for line in summary.tax_lines] == [D("2.00"), D("0.00")]


@pytest.mark.parametrize(
    ("currency", "unit", "tax", "total"),
    [("VND", "65001", "6500", "71501"), ("JPY", "105", "10", "115"), ("KWD", "1.005", "0.100", "1.105")],
)
def test_other_currencies_have_their_own_digits(currency: str, unit: str, tax: str, total: str) -> None:
    summary = price([Line(D(unit), 1)], currency=currency, taxes=[Tax("Tax", D(10))])
    assert (str(summary.tax_amount), str(summary.total)) == (tax, total)


def test_a_coupon_of_100_percent_leaves_shipping_to_pay() -> None:
    summary = price(
        [Line(D("9.99"), 3)], currency="GBP", discount=Discount("percent", D(100)), shipping=Shipping(D("10.00"))
    )
    assert (summary.discount_amount, summary.total) == (D("29.97"), D("10.00"))


def test_a_fixed_coupon_larger_than_the_goods_takes_the_goods_alone() -> None:
    summary = price(
        [Line(D("5.00"), 1)], currency="GBP", discount=Discount("fixed", D(50)), shipping=Shipping(D("10.00"))
    )
    assert (summary.discount_amount, summary.total) == (D("5.00"), D("10.00"))


def test_a_coupon_of_free_shipping_takes_nothing_off_the_goods() -> None:
    free = Discount("free_shipping", D(50))
    summary = price([Line(D("5.00"), 1)], currency="GBP", discount=free, shipping=Shipping(D("10.00")))
    assert (summary.discount_amount, summary.shipping_amount, summary.total) == (D(0), D(0), D("5.00"))


@pytest.mark.parametrize(("unit", "carriage"), [("49.99", "10.00"), ("50.00", "0"), ("50.01", "0")])
def test_shipping_is_free_from_its_limit_on(unit: str, carriage: str) -> None:
    summary = price([Line(D(unit), 1)], currency="GBP", shipping=Shipping(D("10.00"), free_over=D("50.00")))
    assert summary.shipping_amount == D(carriage)


def test_the_limit_of_free_shipping_counts_the_goods_after_the_discount() -> None:
    summary = price(
        [Line(D("50.00"), 1)],
        currency="GBP",
        discount=Discount("fixed", D("0.01")),
        shipping=Shipping(D("10.00"), free_over=D("50.00")),
    )
    assert summary.shipping_amount == D("10.00")


def test_a_limit_of_zero_is_always_free() -> None:
    assert price([], currency="GBP", shipping=Shipping(D("10.00"), free_over=D(0))).shipping_amount == 0
