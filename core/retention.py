"""What does not stay for ever: a rule says what goes after how many days, `clean_up` lets it go in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.clock import day_bounds, shop_day

BATCH = 1000
"""Rows that one transaction removes, with what hangs on them: nobody waits long for their locks."""
FOR_EVER = 0


def nothing_first(before: datetime, *, now: datetime) -> None:
    """For rules that need nothing done before rows go."""


@dataclass(frozen=True)
class Rule:
    """Rows of a kind that go after so many days, `FOR_EVER` for never. Of `before`, the beginning of the first day that
    stays: `due` says how many rows are older, `remove` removes a batch of them and says how many those were, and
    `first` is called once before any go.
    """

    name: str
    what: str
    days: int
    due: Callable[[datetime], int]
    remove: Callable[[datetime], int]
    first: Callable[..., object] = field(default=nothing_first)

    def before(self, now: datetime) -> datetime | None:
        """What is older goes; None if nothing does."""
        return None if self.days == FOR_EVER else day_bounds(shop_day(now) - timedelta(days=self.days))[0]


def rows_of(
    name: str,
    what: str,
    days: int,
    old: Callable[[datetime], QuerySet[Any]],
    first: Callable[..., object] = nothing_first,
) -> Rule:
    """The rule of rows that are found by a queryset and go with what hangs on them."""
    return Rule(name, what, days, lambda before: old(before).count(), lambda before: remove_batch(old(before)), first)


@transaction.atomic
def remove_batch(old: QuerySet[Any]) -> int:
    """Deletes a batch of these rows; how many. Those that somebody has locked are left to the next run."""
    chosen = old.order_by().select_for_update(skip_locked=True, of=("self",))
    keys = list(chosen.values_list("pk", flat=True)[:BATCH])
    old.model._default_manager.filter(pk__in=keys).delete()
    return len(keys)


@dataclass(frozen=True)
class Tally:
    """What a run did, or would do, by one rule. `is_done` is False where it stopped before the end."""

    rule: Rule
    before: datetime | None
    rows: int
    is_done: bool = True


def due(rules: Iterable[Rule], *, now: datetime) -> list[Tally]:
    """What `clean_up` would remove; changes nothing."""
    found = [(rule, rule.before(now)) for rule in rules]
    return [Tally(rule, before, rule.due(before) if before else 0) for rule, before in found]


def clean_up(
    rules: Iterable[Rule], *, now: datetime, seconds: float, reached: Callable[[int], object] = lambda rows: None
) -> list[Tally]:
    """Removes what is due, batch by batch, and begins none after so many seconds: the next run goes on. `reached` hears
    how many rows each batch had. Safe to run twice at once, and to be killed.
    """
    ends = monotonic() + seconds
    return [cleaned(rule, now=now, ends=ends, reached=reached) for rule in rules]


def cleaned(rule: Rule, *, now: datetime, ends: float, reached: Callable[[int], object]) -> Tally:
    """Removes what is due by one rule."""
    before, rows = rule.before(now), 0
    if before is None or not rule.due(before):
        return Tally(rule, before, 0)
    if monotonic() < ends:
        rule.first(before, now=now)
    while monotonic() < ends:
        gone = rule.remove(before)
        if not gone:
            return Tally(rule, before, rows)
        rows += gone
        reached(rows)
    return Tally(rule, before, rows, is_done=False)
