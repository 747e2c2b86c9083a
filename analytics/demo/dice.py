"""Chance that can be repeated: the same seed throws the same numbers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Dice:
    """A seeded source of chance, of ids included."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - made-up data, no secret

    def happens(self, chance: float) -> bool:
        """True as often as `chance` (0 to 1) says."""
        return self.random.random() < chance

    def pick(self, options: Sequence[T]) -> T:
        """One of them, all alike."""
        return options[int(self.random.random() * len(options))]

    def weighted(self, table: Sequence[tuple[T, float]]) -> T:
        """One of a table of (option, weight)."""
        return self.random.choices([option for option, _ in table], [weight for _, weight in table])[0]

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.random.random() * (high - low + 1))

    def after(self, instant: datetime, low: int, high: int) -> datetime:
        """An instant so many seconds later, with a fraction."""
        return instant + timedelta(seconds=low + self.random.random() * (high - low))

    def id_at(self, instant: datetime) -> UUID:
        """The UUIDv7 that would have been made at that instant."""
        bits = self.random.getrandbits(74)
        milliseconds = int(instant.timestamp() * 1000)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1)

    def number(self) -> str:
        """An order number."""
        return "ORD-" + "".join(self.random.choices(CROCKFORD, k=10))
