"""`manage.py dead_letters`: what the ingest could not store."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

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
        "Lists the events that could not be stored, with the reason. --replay puts them through the ingest again: "
        "those that can be stored now leave the list. Safe to stop and to run twice at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--replay", action="store_true", help="try to store them again, the oldest first")
        action.add_argument("--delete", nargs="+", type=positive, metavar="ID", help="throw these away, for good")
        parser.add_argument(
            "--limit", type=positive, metavar="N", help=f"list ({SHOWN}) or replay (all) this many at most"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: letters failed again, an id is not there, PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        try:
            if options["replay"]:
                self._replay(limit=options["limit"], as_json=options["json"])
            elif options["delete"]:
                self._delete(options["delete"], as_json=options["json"])
            else:
                self._list(limit=options["limit"] or SHOWN, as_json=options["json"])
        except OperationalError as error:
            raise CommandError(f"PostgreSQL cannot be asked: {str(error).strip()}") from error

    def _list(self, *, limit: int, as_json: bool) -> None:
        total = DeadLetter.objects.count()
        letters = dead_letters.newest(limit=limit)
        if as_json:
            print_json(self.stdout, {"total": total, "letters": [_body(letter) for letter in letters]})
        elif letters:
            shown = f", the newest {len(letters):,}" if total > len(letters) else ""
            columns = ("Id", "When (UTC)", "Event", "Session", "Error")
            print_table(self.stdout, map(_row, letters), columns=columns, title=f"{total:,} dead letters{shown}")
        else:
            self.stdout.write("There are no dead letters.")

    def _replay(self, *, limit: int | None, as_json: bool) -> None:
        total = DeadLetter.objects.count()
        result = ReplayResult()
        stopped = False
        try:
            with progress("Replaying", total=min(total, limit or total), stderr=self.stderr) as bar:
                dead_letters.replay(limit=limit, result=result, reached=bar.reached)
        except KeyboardInterrupt:
            stopped = True
        self._tell(result, as_json=as_json)
        if stopped:
            raise CommandError("Stopped. Run it again to go on.", returncode=130)
        if result.failed:
            raise CommandError(f"{result.failed:,} could not be stored: manage.py dead_letters shows why.")

    def _tell(self, result: ReplayResult, *, as_json: bool) -> None:
        remaining = DeadLetter.objects.count()
        if as_json:
            print_json(self.stdout, asdict(result) | {"remaining": remaining})
        else:
            rows = [("Stored", result.stored), ("Failed again", result.failed), ("Dead letters now", remaining)]
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
    error = letter.error if len(letter.error) <= LONGEST_ERROR else f"{letter.error[:LONGEST_ERROR]}…"
    return (
        str(letter.id),
        f"{letter.created_at:%Y-%m-%d %H:%M:%S}",
        harmless(letter.event_type),
        letter.session_id,
        harmless(error),
    )


def _body(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "createdAt": letter.created_at,
        "error": letter.error,
        "eventType": letter.event_type,
        "sessionId": letter.session_id or None,
        "entry": letter.entry,
    }
