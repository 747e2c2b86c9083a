"""What a run of simulated traffic did, counted as it goes."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

NO_ANSWER = "no answer"
NOT_AS_AGREED = "answer not as agreed"


@dataclass
class Problem:
    """One kind of thing that went wrong: how often, and what was said the first time."""

    count: int
    first: str


@dataclass
class Tally:
    """Counts of a run. `page_views`, `carts` and so on are what the shop has acknowledged, not what was tried."""

    people: int = 0
    bots: int = 0
    page_views: int = 0
    crawler_views: int = 0
    events: int = 0
    carts: int = 0
    checkouts: int = 0
    orders: int = 0
    paid: int = 0
    declined: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    problems: dict[str, Problem] = field(default_factory=dict)
    unanswered: int = 0
    milliseconds: array[float] = field(default_factory=lambda: array("d"))

    @property
    def visitors(self) -> int:
        """Those who have left again."""
        return self.people + self.bots

    @property
    def requests(self) -> int:
        """All that were sent, answered or not."""
        return self.statuses.total() + self.unanswered

    @property
    def failed(self) -> bool:
        """Whether the shop failed: an answer of 500 or more, a wrong one, or none. A refusal is no failure."""
        wrong = self.unanswered or NOT_AS_AGREED in self.problems
        return bool(wrong) or any(status >= 500 for status in self.statuses)

    def answered(self, status: int, seconds: float) -> None:
        """An answer came."""
        self.statuses[status] += 1
        self.milliseconds.append(seconds * 1000)

    def not_answered(self, reason: str) -> None:
        """None came."""
        self.unanswered += 1
        self.problem(NO_ANSWER, reason)

    def not_as_agreed(self, page: str, error: Exception) -> None:
        """An answer lacked what the API promises."""
        self.problem(NOT_AS_AGREED, f"{page}: {error!r}")

    def problem(self, kind: str, message: str) -> None:
        """Something went wrong; of each kind the first message is kept."""
        self.problems.setdefault(kind, Problem(0, message[:300])).count += 1

    def percentile(self, share: float) -> float | None:
        """The milliseconds within which that share of the answers came; None without answers."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
