"""Figures against floors, in turns."""

from collections.abc import Callable

import pytest

from benchmarks.measurement import NotDoneError, Sample, alternate, require


def in_turn(*values: float) -> Callable[[], Sample]:
    rest = iter(values)
    return lambda: Sample(next(rest), {"ms": 1.0})


def test_figure_and_floor_are_medians_and_the_ratio_is_that_of_the_rounds() -> None:
    found = alternate(in_turn(10, 40, 30), in_turn(20, 100, 40), unit="x/s", rounds=3)
    assert (found.value, found.floor, found.ratio) == (30, 40, 0.5)


def test_both_sides_take_turns() -> None:
    order = ""

    def turn(side: str) -> Sample:
        nonlocal order
        order += side
        return Sample(1.0)

    alternate(lambda: turn("a"), lambda: turn("b"), unit="s", rounds=3)
    assert order == "ababab"


def test_notes_of_both_sides_are_kept() -> None:
    found = alternate(in_turn(1, 1, 1), in_turn(1, 2, 4), unit="x/s", rounds=3)
    assert found.notes == {"ms": 1, "ms, floor": 1, "lowest ratio": 0.25, "highest ratio": 1}


def test_work_that_was_not_done_has_no_figure() -> None:
    with pytest.raises(NotDoneError, match="rows are missing"):
        require(False, "rows are missing")
