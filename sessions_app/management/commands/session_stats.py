"""`manage.py session_stats`: live sessions, the stream of events, and what Redis holds."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.clock import now as clock_now
from core.management.redis_tables import keys_body, print_keys, print_server, server_body
from core.redis import RedisAwayError
from core.terminal import Judged, print_json, print_table
from sessions_app import live_stats
from sessions_app.live_stats import Live, Sample, Stored, Stream

AWAY = "Redis is away. Sessions and events go straight to PostgreSQL; this is what it knows."
Rows = list[tuple[str, object]]


class Command(BaseCommand):
    """Tells how visits are doing at this moment."""

    help = (
        "Live sessions, how far storing is behind, dead letters, and what Redis holds. On a big shop devices and "
        "memory are estimated from a sample. Exit code 1 if Redis is away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prints it.

        Raises:
            CommandError: Redis is away; after what PostgreSQL knows.
        """
        now = clock_now()
        try:
            live: Live | None = live_stats.live(now=now)
        except RedisAwayError:
            live = None
        stored = live_stats.stored(now=now)
        self._tell(live, stored, now=now, as_json=options["json"])
        if live is None:
            raise CommandError(AWAY)

    def _tell(self, live: Live | None, stored: Stored, *, now: datetime, as_json: bool) -> None:
        if as_json:
            print_json(self.stdout, _body(live, stored, now))
            return
        if live is not None:
            self._tell_live(live)
        print_table(self.stdout, _stored_rows(stored, with_sessions=live is None), title="In PostgreSQL")

    def _tell_live(self, live: Live) -> None:
        print_table(self.stdout, _session_rows(live), title="Live sessions")
        print_table(self.stdout, _stream_rows(live.stream), title="Stream of events")
        print_keys(self.stdout, live.keys)
        print_server(self.stdout, live.server)


def _session_rows(live: Live) -> Rows:
    rows: Rows = [(f"Seen in the last {_minutes(window)}", number) for window, number in live.active.items()]
    sample = live.sample
    groups = [("device", sample.by_device), ("type", sample.by_type), ("consent", sample.by_consent)]
    note = "" if sample.size >= sample.total else f" (of {sample.size:,} picked at random)"
    return rows + [(f"By {name}{note}", _shares(found, sample)) for name, found in groups if found]


def _minutes(number: int) -> str:
    return f"{number} minutes" if number > 1 else "minute"


def _shares(found: dict[str, int], sample: Sample) -> str:
    return ", ".join(f"{word} {number:,} ({number / sample.size:.0%})" for word, number in found.items())


def _stream_rows(stream: Stream) -> Rows:
    return [
        ("Not stored yet", stream.length),
        ("  waiting for a flusher", stream.waiting),
        ("  taken and not acknowledged", stream.pending),
        ("Oldest", _age(stream.oldest_seconds)),
        ("Oldest taken", _age(stream.oldest_pending_seconds)),
        ("Flushers known", len(stream.consumers)),
        *((f"  {one.name}", f"holds {one.pending:,}, quiet for {_age(one.idle_seconds)}") for one in stream.consumers),
    ]


def _stored_rows(stored: Stored, *, with_sessions: bool) -> Rows:
    seen = [(f"Sessions seen in the last {_minutes(window)}", number) for window, number in stored.active.items()]
    letters: Rows = [("Dead letters", Judged(stored.dead_letters, well=not stored.dead_letters))]
    if stored.newest_dead_letter:
        letters.append(("  the newest", f"{stored.newest_dead_letter:%Y-%m-%d %H:%M:%S} UTC"))
    return [*(seen if with_sessions else []), *letters, ("Page views of crawlers today", stored.crawler_views_today)]


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{max(seconds, 0):.1f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _body(live: Live | None, stored: Stored, now: datetime) -> dict[str, object]:
    return {
        "at": now.astimezone(UTC),
        "redis": None if live is None else _live_body(live),
        "postgresql": {
            "activeSessions": _by_minutes(stored.active),
            "deadLetters": stored.dead_letters,
            "oldestDeadLetter": stored.oldest_dead_letter,
            "newestDeadLetter": stored.newest_dead_letter,
            "crawlerViewsToday": stored.crawler_views_today,
        },
    }


def _live_body(live: Live) -> dict[str, object]:
    sample, stream = live.sample, live.stream
    return {
        "activeSessions": _by_minutes(live.active),
        "sample": {
            "size": sample.size,
            "total": sample.total,
            "device": sample.by_device,
            "type": sample.by_type,
            "consent": sample.by_consent,
        },
        "stream": {
            "length": stream.length,
            "waiting": stream.waiting,
            "pending": stream.pending,
            "oldestSeconds": stream.oldest_seconds,
            "oldestPendingSeconds": stream.oldest_pending_seconds,
            "consumers": [
                {"name": one.name, "pending": one.pending, "idleSeconds": one.idle_seconds} for one in stream.consumers
            ],
        },
        "keys": keys_body(live.keys),
        "server": server_body(live.server),
    }


def _by_minutes(active: dict[int, int]) -> dict[str, int]:
    return {f"{window}m": number for window, number in active.items()}
