"""`manage.py flush_events`: stores now what waits in the stream."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.management.endings import interruptions
from core.management.rounds import tell
from sessions_app import ingest


class Command(BaseCommand):
    """One run of the flusher."""

    help = (
        "Stores the visits and events that wait in the Redis stream: one run of the job. One flusher works at a time, "
        "so while another does there is nothing to do here. What cannot be stored is a dead letter (dead_letters)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: PostgreSQL or Redis is away, or Ctrl-C (exit code 130).
        """
        with interruptions(stopped="Stopped. What was not stored waits in the stream; the next flush goes on."):
            stored = ingest.flush(consumer=ingest.this_process())
            waiting, _oldest = ingest.stream_lag()
        tell(self.stdout, [("Stored", stored), ("Still waiting", waiting)], {}, title="Events", as_json=options["json"])
