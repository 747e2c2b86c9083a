"""Rounds in which the web server's workers all worked."""

from collections.abc import Iterator

import psutil
import pytest

from benchmarks.measurement import NotDoneError, Sample
from benchmarks.web import TRIES, Web


class Two(Web):
    """A web server whose two workers have used so much, each time one asks."""

    used: Iterator[list[float]]

    def worker_seconds(self) -> list[float]:
        return next(self.used)


def two(*used: list[float]) -> Two:
    web = Two(0, psutil.Process())
    object.__setattr__(web, "used", iter(used))
    return web


def test_a_round_in_which_one_worker_had_all_connections_is_done_again() -> None:
    rounds = iter([Sample(1), Sample(2)])
    assert two([0, 0], [2, 0], [2, 0], [3, 1]).evenly(lambda: next(rounds)) == Sample(2)


def test_a_server_on_which_no_round_is_even_has_no_figure() -> None:
    with pytest.raises(NotDoneError, match="one worker"):
        two(*[[0.0, 0.0], [2.0, 0.0]] * TRIES).evenly(lambda: Sample(1))
