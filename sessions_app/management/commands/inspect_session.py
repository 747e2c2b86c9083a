"""`manage.py inspect_session ID`: everything about one visit, as a timeline."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.clock import now as clock_now
from core.terminal import print_json, print_table
from sessions_app import timeline
from sessions_app.management.words import harmless, positive
from sessions_app.models import VisitorSession
from sessions_app.state import Profile, SessionState
from sessions_app.timeline import Account, Moment

SHOWN_EVENTS = 1_000
Rows = list[tuple[str, object]]
COUNTS = (
    "page_views", "script_page_views", "api_page_views", "product_views", "cart_additions", "checkouts_started",
    "other_events", "engagement_seconds", "events_count",
)  # fmt: skip
FACTS = (
    "visitor_id", "customer_id", "type", "consent", "channel", "landing_page", "referrer", "utm_source", "utm_medium",
    "utm_campaign", "utm_term", "utm_content", "device", "browser", "os", "country", "city", "ip_prefix", "user_agent",
    "started_at", "last_seen_at", "ended_at", "order_id", "converted", "converted_at", "unconfirmed",
)  # fmt: skip


class Command(BaseCommand):
    """Tells one visit."""

    help = (
        "Everything about one visit: the stored row, the live copy and where they differ, and what happened in the "
        "order of time, also what is not stored yet. Exit code 1 for a visit that nobody knows."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("id", help="the visit's id, with or without dashes, or the value of its cookie")
        parser.add_argument(
            "--events", type=positive, default=SHOWN_EVENTS, metavar="N", help=f"the newest N events ({SHOWN_EVENTS})"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prints it.

        Raises:
            CommandError: this is no id, or nobody knows it.
        """
        session_id = timeline.session_id_of(options["id"])
        if session_id is None:
            raise CommandError("This is neither the id of a visit (a UUID) nor a cookie that this shop has signed.")
        account = timeline.account(session_id, events=options["events"], now=clock_now())
        if account is None:
            raise CommandError(f"No visit {session_id} is known, neither in PostgreSQL nor in Redis.")
        if options["json"]:
            print_json(self.stdout, _body(account))
        else:
            self._tell(account)

    def _tell(self, account: Account) -> None:
        if account.redis_away:
            self.stderr.write("Redis is away: the live copy and what is not stored yet are missing here.")
        print_table(self.stdout, _summary(account), title=f"Visit {account.session_id}")
        if account.differences:
            rows = [(one.name, _text(one.stored), _text(one.live)) for one in account.differences]
            title = "Where the live copy is ahead or differs"
            print_table(self.stdout, rows, columns=("", "PostgreSQL", "Redis"), title=title)
        columns = ("When (UTC)", "After", "What", "Source", "Details")
        print_table(self.stdout, map(_row, _with_offsets(account)), columns=columns, title=_timeline_title(account))
        if account.letters:
            letters = [(str(letter.id), letter.event_type, _text(letter.error)) for letter in account.letters]
            print_table(self.stdout, letters, columns=("Id", "Event", "Error"), title="Dead letters of this visit")
        if not account.stream_scanned and not account.redis_away:
            self.stderr.write(
                f"The stream is long: of what is not stored yet only the newest {timeline.SCANNED_ENTRIES:,} "
                "entries of all visits were looked through."
            )


def _summary(account: Account) -> Rows:
    rows: Rows = [(name.replace("_", " "), _text(value)) for name, value in _facts(account).items() if _is_said(value)]
    live = "yes" if account.live else "not known, Redis is away" if account.redis_away else "no"
    where: Rows = [
        ("stored", "yes" if account.row else "not yet"),
        ("live", live),
        ("how it ended", account.ending),
    ]
    if account.row:
        rows += [(name.replace("_", " "), getattr(account.row, name)) for name in COUNTS]
    return rows + where


def _facts(account: Account) -> dict[str, object]:
    if account.row is not None:
        return {name: getattr(account.row, name) for name in FACTS}
    return _live_facts(account.live) if account.live is not None else {}


def _live_facts(live: SessionState) -> dict[str, object]:
    names = ("visitor_id", "customer_id", "type", "consent", "started_at", "last_seen_at", "order_id", "converted")
    counts = ("page_views", "script_page_views", "api_page_views")
    profile = {name: getattr(live.profile, name) for name in Profile.__dataclass_fields__}
    return {name: getattr(live, name) for name in names} | profile | {name: getattr(live, name) for name in counts}


def _is_said(value: object) -> bool:
    return value is not None and value != ""


def _timeline_title(account: Account) -> str:
    coming = timeline.unstored(account.moments)
    events = sum(moment.stored and not moment.milestone for moment in account.moments)
    parts = ["Timeline"]
    if account.events_total > events:
        parts.append(f"the newest {events:,} of {account.events_total:,} events")
    if coming:
        parts.append(f"{coming:,} not stored yet")
    return ", ".join(parts)


def _with_offsets(account: Account) -> list[tuple[float, Moment]]:
    begin = _begin(account)
    return [((moment.at - begin).total_seconds(), moment) for moment in account.moments]


def _begin(account: Account) -> datetime:
    known = account.row or account.live
    return known.started_at if known else min((moment.at for moment in account.moments), default=clock_now())


def _row(offset_and_moment: tuple[float, Moment]) -> tuple[str, ...]:
    seconds, moment = offset_and_moment
    facts = {"product": moment.product_id, **moment.details}
    details = [
        _text(moment.page),
        *(f"{_text(name)}: {_text(value)}" for name, value in facts.items() if _is_said(value)),
    ]
    note = [] if moment.stored else ["NOT STORED YET"]
    return (
        f"{moment.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        f"{seconds:.1f} s",
        _text(moment.what.upper() if moment.milestone else moment.what),
        moment.source,
        "; ".join([*filter(None, details), *note]),
    )


def _text(value: object) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] if isinstance(value, datetime) else harmless(str(value))


def _body(account: Account) -> dict[str, object]:
    return {
        "sessionId": account.session_id,
        "ending": account.ending,
        "redisAway": account.redis_away,
        "streamScanned": account.stream_scanned,
        "stored": _stored_body(account.row),
        "live": _named(_live_facts(account.live)) if account.live else None,
        "differences": _named({one.name: {"stored": one.stored, "live": one.live} for one in account.differences}),
        "eventsTotal": account.events_total,
        "timeline": [_moment_body(moment) for moment in account.moments],
        "deadLetters": [
            {"id": letter.id, "eventType": letter.event_type, "error": letter.error} for letter in account.letters
        ],
    }


def _stored_body(row: VisitorSession | None) -> dict[str, object] | None:
    return _named({name: getattr(row, name) for name in (*FACTS, *COUNTS, "touches")}) if row else None


def _named(facts: Mapping[str, object]) -> dict[str, object]:
    """The facts under names as JSON has them here, such as `visitorId`."""
    words = {name: name.split("_") for name in facts}
    return {words[name][0] + "".join(map(str.title, words[name][1:])): fact for name, fact in facts.items()}


def _moment_body(moment: Moment) -> dict[str, object]:
    return {
        "at": moment.at.astimezone(UTC),
        "what": moment.what,
        "kind": "milestone" if moment.milestone else "event",
        "source": moment.source or None,
        "page": moment.page or None,
        "productId": moment.product_id or None,
        "details": moment.details,
        "stored": moment.stored,
    }
