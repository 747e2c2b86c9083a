"""What was given up and can be tried again: each app says what of its own (`manage.py dead_letters`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Letter = Mapping[str, object]


@dataclass(frozen=True)
class Pile:
    """One kind of them. `newest(limit)` gives letters by their names in JSON, in the order of `columns`, which are for
    people; `replay(limit, now)` tries the oldest again, all without a limit, and says how many.
    """

    name: str
    title: str
    columns: Sequence[str]
    count: Callable[[], int]
    newest: Callable[[int], Sequence[Letter]]
    replay: Callable[[int | None, datetime], int]


piles: dict[str, Pile] = {}


def register(pile: Pile) -> None:
    """Makes a pile known; called when an app is ready."""
    piles[pile.name] = pile
