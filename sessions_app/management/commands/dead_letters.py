"""`manage.py dead_letters`: what the ingest could not store, and what other apps gave up."""

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.clock import now
from core.dead_letters import Pile, piles
from core.management.endings import STOPPED
from core.terminal import print_json, print_table, progress
from sessions_app import dead_letters
from sessions_app.dead_letters import Letter, ReplayResult
from sessions_app.management.words import harmless, positive
from sessions_app.models import DeadLetter

SHOWN = 50
LONGEST_ERROR = 100


class Command(BaseCommand):
    """Lists them, replays them, throws them away."""

    help = (
        "Lists the events that could not be stored and the webhooks that nobody took, with the reason. --replay puts "
        "events through the ingest again, and webhooks on their way: what goes well now leaves the list. Safe to stop "
        "and to run twice at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--replay", action="store_true", help="try again, the oldest first")
        action.add_argument(
            "--delete", nargs="+", type=positive, metavar="ID", help="throw these events away, for good"
        )
        parser.add_argument(
            "--limit", type=positive, metavar="N", help=f"list ({SHOWN}) or replay (all) this many of each at most"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: letters failed again, an id is not there, or Ctrl-C (exit code 130).
        """
        if options["replay"]:
            self._replay(limit=options["limit"], as_json=options["json"])
        elif options["delete"]:
            self._delete(options["delete"], as_json=options["json"])
        else:
            self._list(limit=options["limit"] or SHOWN, as_json=options["json"])

    def _list(self, *, limit: int, as_json: bool) -> None:
        total = DeadLetter.objects.count()
        letters = dead_letters.newest(limit=limit)
        others = {pile.name: {"total": pile.count(), "letters": pile.newest(limit)} for pile in piles.values()}
        if as_json:
            print_json(self.stdout, {"total": total, "letters": [_body(letter) for letter in letters], **others})
            return
        if letters:
            shown = f", the newest {len(letters):,}" if total > len(letters) else ""
            columns = ("Id", "When (UTC)", "Event", "Session", "Error")
            print_table(self.stdout, map(_row, letters), columns=columns, title=f"{total:,} dead letters{shown}")
        found = [self._list_pile(pile, limit=limit) for pile in piles.values()]
        if not letters and not any(found):
            self.stdout.write("There are no dead letters.")

    def _list_pile(self, pile: Pile, *, limit: int) -> bool:
        """Whether there are any."""
        rows = [[_cell(fact) for fact in letter.values()] for letter in pile.newest(limit)]
        if rows:
            total = pile.count()
            shown = f", the newest {len(rows):,}" if total > len(rows) else ""
            print_table(self.stdout, rows, columns=pile.columns, title=f"{total:,} {pile.title}{shown}")
        return bool(rows)

    def _replay(self, *, limit: int | None, as_json: bool) -> None:
        total = DeadLetter.objects.count()
        result = ReplayResult()
        stopped = False
        try:
            with progress("Replaying", total=min(total, limit or total), stderr=self.stderr) as bar:
                dead_letters.replay(limit=limit, result=result, reached=bar.reached)
        except KeyboardInterrupt:
            stopped = True
        queued = {} if stopped else {pile.name: pile.replay(limit, now()) for pile in piles.values()}
        self._tell(result, queued, as_json=as_json)
        if stopped:
            raise CommandError("Stopped. Run it again to go on.", returncode=STOPPED)
        if result.failed:
            raise CommandError(f"{result.failed:,} could not be stored: manage.py dead_letters shows why.")

    def _tell(self, result: ReplayResult, queued: dict[str, int], *, as_json: bool) -> None:
        remaining = DeadLetter.objects.count()
        if as_json:
            others = {name: {"queued": number, "remaining": piles[name].count()} for name, number in queued.items()}
            print_json(self.stdout, asdict(result) | {"remaining": remaining, **others})
            return
        rows = [("Stored", result.stored), ("Failed again", result.failed), ("Dead letters now", remaining)]
        rows += [(f"On their way again: {piles[name].title}", number) for name, number in queued.items()]
        print_table(self.stdout, rows, title="Replay")

    def _delete(self, ids: list[int], *, as_json: bool) -> None:
        deleted = dead_letters.delete(ids)
        missing = sorted(set(ids) - set(deleted))
        if as_json:
            print_json(self.stdout, {"deleted": deleted, "missing": missing})
        else:
            self.stdout.write(f"{len(deleted):,} deleted.")
        if missing:
            raise CommandError(f"No such dead letters: {', '.join(map(str, missing))}.")


def _row(letter: Letter) -> tuple[str, ...]:
    return (
        str(letter.id),
        _cell(letter.created_at),
        harmless(letter.event_type),
        letter.session_id,
        _cell(letter.error),
    )


def _cell(fact: object) -> str:
    """A fact in a table; what a stranger wrote is cut off and does not steer the terminal."""
    if isinstance(fact, datetime):
        return f"{fact:%Y-%m-%d %H:%M:%S}"
    text = str(fact)
    return harmless(text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]}…")


def _body(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "createdAt": letter.created_at,
        "error": letter.error,
        "eventType": letter.event_type,
        "sessionId": letter.session_id or None,
        "entry": letter.entry,
    }
