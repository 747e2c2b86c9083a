"""The promises and their targets."""

import pytest
from django.utils.module_loading import import_string

from benchmarks.measurement import Measurement
from benchmarks.registry import PROMISES, Promise, UnknownBenchmarkError, at_most, chosen, ratio_at_least, ratio_at_most


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_every_promise_has_a_function_that_says_what_it_measures(promise: Promise) -> None:
    assert import_string(f"benchmarks.{promise.path}").__doc__


def test_without_names_all_are_chosen() -> None:
    assert chosen([]) == list(PROMISES)


def test_named_ones_come_in_their_own_order() -> None:
    assert [promise.name for promise in chosen(["checkout_sql", "track_single"])] == ["track_single", "checkout_sql"]


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UnknownBenchmarkError, match=r"called trak\. There are: track_single"):
        chosen(["trak"])


def test_a_rate_must_reach_its_ratio() -> None:
    assert ratio_at_least(0.6).met_by(Measurement(1, "x/s", floor=1, ratio=0.6))
    assert not ratio_at_least(0.6).met_by(Measurement(100, "x/s", floor=1, ratio=0.59))


def test_a_time_must_keep_below_its_ratio() -> None:
    assert not ratio_at_most(8).met_by(Measurement(1, "s", floor=1, ratio=8.1))


def test_a_figure_without_floor_is_judged_by_itself() -> None:
    assert at_most(40).met_by(Measurement(40, "statements"))
    assert not at_most(40).met_by(Measurement(41, "statements"))
