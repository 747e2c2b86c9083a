"""What is usual, and what is so far from it that somebody should look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts import rules
from analytics.alerts.rules import BACK, OUT, Payments, Silence, Traffic
from analytics.alerts.shares import Stretch, conversion_of, silence_of
from analytics.alerts.usual import Hour, Usual, usual
from tests.analytics.usual_weeks import by_chance, hours

usuals = st.builds(Usual, st.floats(0, 1e6), st.floats(1, 1e4), st.floats(1, 2))
counts = st.integers(0, 10**7)


def visits(hour: Hour) -> int:
    return hour.visits


def seen(number: int, expected: Usual) -> Traffic:
    return Traffic(number, expected, "from 13:00 to 14:00", "Tuesdays")


@given(usuals, counts, counts)
def test_more_is_never_nearer_to_too_few(expected: Usual, one: int, other: int) -> None:
    least, most = sorted((one, other))
    assert expected.deviation(least) <= expected.deviation(most)


@given(usuals, counts)
def test_what_is_told_to_be_usual_is_what_ends_an_alert(expected: Usual, number: int) -> None:
    least, most = expected.bounds(BACK)
    near = abs(expected.deviation(number)) <= BACK
    edge = min(abs(abs(expected.deviation(number)) - BACK) for number in (max(0, number - 1), number, number + 1))
    assert near == (least <= number <= most) or edge < 1e-6


@given(usuals, counts)
def test_no_number_is_both_too_few_and_too_many_and_none_in_the_band_is_either(expected: Usual, number: int) -> None:
    found = [
        rule(seen(number, expected), is_open=is_open).is_out
        for rule in (rules.few_visits, rules.many_visits)
        for is_open in (False, True)
    ]
    assert not (found[1] and found[3])
    assert (found[0] <= found[1], found[2] <= found[3]) == (True, True)


def test_usual_is_the_median_of_the_hour_of_the_week() -> None:
    found = usual(hours(lambda place: 100 + place % 168), 5, visits)
    assert found is not None
    assert (round(found.level), found.dispersion) == (105, 1)


def test_an_hour_that_was_seen_in_three_weeks_has_no_usual_number() -> None:
    assert usual(hours(lambda _: 100, weeks=3), 5, visits) is None
    assert usual(hours(lambda _: 100, weeks=4), 5, visits) is not None


def test_a_day_without_visits_in_the_past_does_not_become_usual() -> None:
    outage = hours(lambda place: 0 if 1176 <= place < 1200 else 100)
    found = usual(outage, 5, visits)
    assert found is not None
    assert (found.level, found.dispersion) == (100, 1)


def test_a_shop_that_grows_is_compared_with_its_last_days() -> None:
    found = usual(hours(lambda place: round(1000 * 1.05 ** (place // 168))), 5, visits)
    assert found is not None
    assert 1350 < found.level < 1450


def test_a_shop_that_goes_up_and_down_by_itself_has_a_wider_band() -> None:
    steady = usual(hours(lambda _: 100), 5, visits)
    restless = usual(hours(lambda place: 50 + place * 7919 % 101), 5, visits)
    assert steady is not None
    assert restless is not None
    assert steady.bounds(OUT)[0] > 55 > restless.bounds(OUT)[0]


@pytest.mark.parametrize("rate", [0.2, 1, 3])
def test_a_small_shop_is_not_alarmed_by_an_empty_hour(rate: float) -> None:
    found = usual(hours(by_chance(rate)), 5, visits)
    assert found is not None
    assert not rules.few_visits(seen(0, found), is_open=False).is_out
    assert not rules.many_visits(seen(5, found), is_open=False).is_out


def test_the_sentence_has_the_figures() -> None:
    verdict = rules.few_visits(seen(23, Usual(108)), is_open=False)
    assert verdict.is_out
    assert verdict.sentence == "23 visits from 13:00 to 14:00; usually 84 to 135 on Tuesdays at that hour"


def test_an_alert_stays_open_until_the_number_is_well_back() -> None:
    outs = [rules.few_visits(seen(number, Usual(110)), is_open=is_open).is_out for number, is_open in
            ((75, False), (75, True), (95, True))]  # fmt: skip
    assert outs == [False, True, False]


def test_a_large_shop_is_not_alarmed_by_a_few_percent() -> None:
    assert rules.few_visits(seen(7_400, Usual(10_000)), is_open=False).is_out
    assert not rules.few_visits(seen(8_000, Usual(10_000)), is_open=False).is_out


@pytest.mark.parametrize(("paid", "is_out"), [(150, False), (70, True)])
def test_conversion_is_compared_with_the_same_hours(paid: int, is_out: bool) -> None:
    past = hours(lambda place: 100 if place % 24 < 12 else 50)
    recent = [Hour(slot, past[-1].day, 500, paid // 3) for slot in (24, 25, 26)]
    found = conversion_of(past, recent, ["from 00:00 to 03:00"] * 3)
    assert found is not None
    verdict = rules.low_conversion(found, is_open=False)
    assert verdict.is_out == is_out
    assert "1,500 visits from 00:00 to 03:00 were paid" in verdict.sentence
    assert "usually 10.0 % at those hours (150)" in verdict.sentence


def test_conversion_is_told_over_as_many_hours_as_bring_enough_orders() -> None:
    recent = [Hour(slot, hours(lambda _: 1)[-1].day, 20, 1) for slot in range(24)]
    found = conversion_of(hours(lambda _: 20), recent, [f"from {n}" for n in range(24)])
    assert found is not None
    assert (found.visits, found.when) == (120, "from 18")


def test_a_shop_that_never_sold_is_not_asked_for_conversion() -> None:
    recent = [Hour(slot, hours(lambda _: 1)[-1].day, 5) for slot in range(24)]
    assert conversion_of(hours(lambda _: 5), recent, [""] * 24) is None


def test_a_gap_is_judged_by_what_usually_comes_in_such_hours() -> None:
    past = hours(lambda place: 20 if place % 24 >= 8 else 0)  # two orders an hour by day, none at night
    gaps = {"night": range(8), "day": range(8, 16)}
    found = {name: silence_of(past, [Stretch(slot, 1) for slot in slots], lasts=timedelta(hours=8), since="since 0:00")
             for name, slots in gaps.items()}  # fmt: skip
    out = {name: silence is not None and rules.no_orders(silence).is_out for name, silence in found.items()}
    assert out == {"night": False, "day": True}


def test_the_sentence_of_a_gap() -> None:
    gap = Silence(timedelta(hours=5, minutes=10), "since 09:12", 14, 1, 60)
    assert rules.no_orders(gap).sentence == "No paid order for 5 h 10 min, since 09:12; usually 14 come in that time"


@pytest.mark.parametrize(
    ("minutes", "expected", "a_day", "is_out"),
    [(300, 6.8, 8, False), (300, 7.0, 8, True), (300, 7.0, 100, False), (20, 50, 4000, False), (31, 50, 4000, True)],
)
def test_the_more_orders_a_day_has_the_less_likely_a_gap_must_be(
    minutes: int, expected: float, a_day: float, is_out: bool
) -> None:
    gap = Silence(timedelta(minutes=minutes), "since 09:12", expected, 1, a_day)
    assert rules.no_orders(gap).is_out == is_out


@pytest.mark.parametrize(
    ("tried", "failed", "is_out"), [(9, 7, True), (4, 4, False), (50, 7, False), (1, 1, False), (3000, 700, True)]
)
def test_payments_fail_more_than_usual_by_share_and_by_number(tried: int, failed: int, is_out: bool) -> None:
    verdict = rules.payments_failing(Payments(tried, failed, 500, 40, "from 13:00 to 16:00"))
    assert verdict.is_out == is_out


def test_without_enough_payments_before_nothing_is_said() -> None:
    assert not rules.payments_failing(Payments(9, 9, 19, 0, "")).is_out


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_a_chance_is_a_chance(of: int, share: float) -> None:
    chances = [rules.at_least(count, of, share) for count in range(of + 1)]
    assert chances[0] == pytest.approx(1)
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] == pytest.approx(share**of)


@pytest.mark.parametrize(
    ("minutes", "text"), [(45, "45 min"), (310, "5 h 10 min"), (60, "1 h 0 min"), (60 * 51, "2 d 3 h")]
)
def test_how_long_is_told_as_people_do(minutes: int, text: str) -> None:
    assert rules.lasting(timedelta(minutes=minutes)) == text
