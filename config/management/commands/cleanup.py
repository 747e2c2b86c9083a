"""`manage.py cleanup`: removes what is no longer kept."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config import retention
from core.clock import now
from core.management.endings import interruptions
from core.retention import Tally
from core.terminal import print_json, print_table, progress

COLUMNS = ("What", "Kept, days", "Older than", "Rows")


class Command(BaseCommand):
    """The job by hand, without its end after four minutes."""

    help = (
        "Removes what is kept no longer than the settings say (docs/privacy.md), in small batches. --dry-run only says "
        "how many rows that would be. Safe to stop, and to run twice at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--dry-run", action="store_true", help="remove nothing, say what would be removed")
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: PostgreSQL is away, or Ctrl-C (exit code 130); what was removed until then is gone.
        """
        with interruptions(stopped="Stopped. Run it again to go on."):
            tallies = retention.cleanup_due(now=now()) if options["dry_run"] else self._removed()
        if options["json"]:
            print_json(self.stdout, {"dryRun": options["dry_run"], "removed": [as_data(each) for each in tallies]})
            return
        title = "Would be removed" if options["dry_run"] else "Removed"
        print_table(self.stdout, map(as_row, tallies), columns=COLUMNS, title=title)

    def _removed(self) -> list[Tally]:
        with progress("Removing", total=None, stderr=self.stderr) as bar:
            return retention.cleanup(now=now(), seconds=float("inf"), reached=bar.reached)


def as_row(tally: Tally) -> list[object]:
    """A line of the table."""
    rule = tally.rule
    older = f"{tally.before:%Y-%m-%d}" if tally.before else ""
    return [f"{rule.name}: {rule.what}", rule.days if tally.before else "for ever", older, tally.rows]


def as_data(tally: Tally) -> dict[str, object]:
    """The same for machines; `days` is 0 for what is kept for ever, `before` then null."""
    return {"name": tally.rule.name, "days": tally.rule.days, "before": tally.before, "rows": tally.rows}
