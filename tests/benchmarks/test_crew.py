"""Processes that work side by side."""

import pytest

from benchmarks.crew import crew
from benchmarks.measurement import NotDoneError


def test_every_process_does_its_share() -> None:
    with crew(2, {}) as pair:
        assert [target.limit for target in pair.each("registry.at_most", [(1,), (2,)])] == [1, 2]
        assert pair.cpu_seconds() > 0


def test_a_share_that_fails_is_no_figure() -> None:
    with crew(1, {}) as alone, pytest.raises(NotDoneError, match=r"failed in measurement\.require"):
        alone.each("measurement.require", [(False, "nothing was done")])
