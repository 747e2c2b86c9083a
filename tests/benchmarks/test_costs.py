"""Processor time by program."""

from benchmarks.costs import Meter


def test_a_meter_tells_what_was_used_since_it_began_for_each_unit() -> None:
    used = iter([10.0, 10.5])
    meter = Meter({"the shop's": lambda: next(used)})
    assert meter.notes(100, "an order") == {"the shop's CPU ms an order": 5}
