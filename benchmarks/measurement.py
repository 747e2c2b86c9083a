"""What a benchmark answers, and how a figure is measured against its floor: in turns, because machines are noisy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

ROUNDS = 5


class NotDoneError(Exception):
    """A benchmark did not do its work: errors, missing rows. It has no figure then."""


@dataclass(frozen=True)
class Sample:
    """The figure of one round, with what else was noted in it (label with its unit: number)."""

    value: float
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """A benchmark's answer. Without a floor `floor` and `ratio` are None."""

    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    notes: Mapping[str, float] = field(default_factory=dict)


def alternate(
    figure: Callable[[], Sample], floor: Callable[[], Sample], *, unit: str, rounds: int = ROUNDS
) -> Measurement:
    """Measures both in turns. All are medians: the ratio is that of the rounds' own ratios, in which both sides had
    the same weather, so it need not be exactly figure / floor.

    Raises:
        NotDoneError: as `figure` and `floor` do.
    """
    figures, floors = [], []
    for _round in range(rounds):
        figures.append(figure())
        floors.append(floor())
    ratios = [ours.value / least.value for ours, least in zip(figures, floors, strict=True)]
    return Measurement(
        value=median(sample.value for sample in figures),
        unit=unit,
        floor=median(sample.value for sample in floors),
        ratio=median(ratios),
        notes={
            **medians(figures),
            **{f"{label}, floor": number for label, number in medians(floors).items()},
            "lowest ratio": min(ratios),
            "highest ratio": max(ratios),
        },
    )


def medians(samples: Sequence[Sample]) -> dict[str, float]:
    """The median of each note."""
    return {label: median(sample.notes[label] for sample in samples) for label in samples[0].notes}


def require(done: bool, what: str) -> None:
    """Checks that the work was done.

    Raises:
        NotDoneError: it was not; `what` says what is missing.
    """
    if not done:
        raise NotDoneError(what)
