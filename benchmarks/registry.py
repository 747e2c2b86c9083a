"""The promises: name, what measures it, target. A new benchmark is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.module_loading import import_string

from benchmarks.measurement import Measurement


class UnknownBenchmarkError(Exception):
    """There is no benchmark of that name; the text lists those that there are."""


@dataclass(frozen=True)
class Target:
    """A bound of the figure itself (`of="value"`) or of its ratio to the floor (`of="ratio"`)."""

    limit: float
    at_least: bool
    of: str

    def met_by(self, measurement: Measurement) -> bool:
        """Whether the measurement keeps within the bound. A target of a ratio needs a floor."""
        found = measurement.ratio if self.of == "ratio" else measurement.value
        assert found is not None
        return found >= self.limit if self.at_least else found <= self.limit

    def __str__(self) -> str:
        return f"{'ratio ' if self.of == 'ratio' else ''}{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True)
class Promise:
    """One promise. `path` names the function that measures it; what and against what stands in its docstring.

    It is a path because Django must know its servers before the function's module can be imported.
    """

    name: str
    path: str
    target: Target

    def measure(self) -> Measurement:
        """Measures now.

        Raises:
            NotDoneError: the benchmark did not do its work.
        """
        function: Callable[[], Measurement] = import_string(f"benchmarks.{self.path}")
        return function()


def ratio_at_least(limit: float) -> Target:
    """A rate against a floor's rate."""
    return Target(limit, at_least=True, of="ratio")


def at_least(limit: float) -> Target:
    """A rate that has no floor."""
    return Target(limit, at_least=True, of="value")


def ratio_at_most(limit: float) -> Target:
    """A time against a floor's time."""
    return Target(limit, at_least=False, of="ratio")


def at_most(limit: float) -> Target:
    """A figure that has no floor."""
    return Target(limit, at_least=False, of="value")


PROMISES = (
    Promise("track_single", "tracking.track_single", ratio_at_least(0.6)),
    Promise("track_batch", "tracking.track_batch", ratio_at_least(3)),
    Promise("flush", "flushing.flush", ratio_at_least(0.3)),
    Promise("ingest_memory", "ingesting.ingest_memory", at_most(30)),
    Promise("import_log", "importing.import_log", ratio_at_least(0.2)),
    Promise("import_products", "product_files.import_products", at_least(100_000 / 60)),
    Promise("import_orders", "order_files.import_orders", at_least(5_000)),
    Promise("session_overhead", "pages.session_overhead", ratio_at_least(0.8)),
    Promise("checkout_sql", "checkouts.checkout_sql", at_most(40)),
    Promise("confirm_sql", "checkouts.confirm_sql", at_most(25)),
    Promise("checkout_rate", "checkouts.checkout_rate", ratio_at_least(0.25)),
    Promise("checkout_http", "checkout_http.checkout_http", ratio_at_least(0.08)),
    Promise("hot_stock", "hot_stock.hot_stock", ratio_at_least(0.05)),
    Promise("poll_round", "polling.poll_round", ratio_at_most(1.3)),
    Promise("expire", "expiring.expire", ratio_at_most(10)),
    Promise("settle_sql", "settling.settle_sql", at_most(20)),
    Promise("outbox", "outbox.outbox", at_least(500)),
    Promise("order_list", "desk.order_list", at_most(200)),
    Promise("order_page", "desk.order_page", at_most(200)),
    Promise("visit_lists", "visit_lists.visit_lists", at_most(2000)),
    Promise("visit_pages", "visit_lists.visit_pages", at_most(300)),
    Promise("aggregate_day", "aggregation.aggregate_day", ratio_at_most(8)),
    Promise("aggregate_memory", "aggregation.aggregate_memory", at_most(20)),
    Promise("live_viewers", "watching.live_viewers", at_most(5)),
    Promise("dashboard_cold", "years.dashboard_cold", at_most(300)),
    Promise("dashboard_cached", "years.dashboard_cached", at_most(50)),
    Promise("dashboard_filtered", "years.dashboard_filtered", at_most(3000)),
    Promise("breakdown_90d", "years.breakdown_90d", at_most(300)),
    Promise("page_weight", "pages.page_weight", at_most(1536)),
)


def chosen(names: Sequence[str]) -> list[Promise]:
    """The promises of these names, in their own order; all without names.

    Raises:
        UnknownBenchmarkError: there is no such benchmark.
    """
    known = [promise.name for promise in PROMISES]
    if unknown := sorted(set(names).difference(known)):
        raise UnknownBenchmarkError(f"no benchmark is called {', '.join(unknown)}. There are: {', '.join(known)}.")
    return [promise for promise in PROMISES if not names or promise.name in names]
