"""How far each log was imported. It saves time and nothing else: whoever forgets it reads from the start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sessions_app.access_log.reading import START, Place
from sessions_app.access_log.visits import line_digest
from sessions_app.models import AccessLog


class Known(NamedTuple):
    """A place, with what stands before it: lines refused that nobody was told of, page views of crawlers by day."""

    place: Place = START
    refused: int = 0
    crawlers: Counter[date] = Counter()


def key_of(beginning: list[bytes]) -> str:
    """What a log is known by, also when it has grown or has another name; "" for an empty one."""
    return line_digest(beginning[0].rstrip(b"\r\n")).hex() if beginning else ""


def known(key: str) -> Known | None:
    """What earlier imports noted of the log."""
    row = AccessLog.objects.filter(pk=key).first()
    if row is None:
        return None
    crawlers = Counter({date.fromisoformat(day): views for day, views in row.crawlers.items()})
    return Known(Place(row.position, row.lines, row.checksum), row.refused, crawlers)


def note(key: str, found: Known) -> None:
    """Notes a place, with the same transaction as what it says is stored."""
    row = AccessLog(
        beginning=key,
        **found.place._asdict(),
        refused=found.refused,
        crawlers={day.isoformat(): views for day, views in found.crawlers.items()},
    )
    fields = [field.name for field in AccessLog._meta.concrete_fields if not field.primary_key]
    AccessLog.objects.bulk_create([row], update_conflicts=True, unique_fields=["beginning"], update_fields=fields)


def told(keys: Iterable[str]) -> None:
    """What was refused of these logs was told: the next import of them does not tell it again."""
    AccessLog.objects.filter(pk__in=keys).update(refused=0)
