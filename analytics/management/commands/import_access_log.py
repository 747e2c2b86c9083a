"""`manage.py import_access_log FILE`: past visits from a web server's log."""

from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from analytics.services import aggregate_day
from core.clock import now
from core.terminal import print_json, print_table, progress
from sessions_app.access_log import LogUnreadableError, NotALogError, Tally, import_access_log, open_log


class Command(BaseCommand):
    """Imports the log, then makes the metrics of its days."""

    help = (
        "Imports visits from an Apache or nginx access log (combined format, plain or gzip). Importing a log "
        "twice adds nothing; a log that has grown adds what is new. Malformed lines are reported and skipped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", help="the log, or - for standard input")
        parser.add_argument("--json", action="store_true", help="print the counts of the log as JSON")
        parser.add_argument(
            "--host",
            default=urlsplit(settings.PUBLIC_URL).hostname or "",
            help="the shop's host in the log's referrers, which brings nobody (default: that of PUBLIC_URL)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs the import.

        Raises:
            CommandError: the file cannot be read or is no log, or Ctrl-C (exit code 130).
        """
        tally = Tally()
        try:
            self._import(options["file"], options["host"], tally)
            self._aggregate(tally)
        except (LogUnreadableError, NotALogError) as error:
            raise CommandError(f"{error} {_reached(tally)}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {_reached(tally)} Run it again to go on.", returncode=130) from None
        if options["json"]:
            print_json(self.stdout, _figures(tally))
        else:
            print_table(self.stdout, _rows(tally), title=f"Access log {options['file']}")

    def _import(self, path: str, own_host: str, tally: Tally) -> None:
        with (
            open_log(path) as log,
            progress("Reading", total=log.size, stderr=self.stderr, in_bytes=True) as bar,
        ):
            import_access_log(
                lines=log,
                own_host=own_host,
                now=now(),
                tally=tally,
                refused=lambda number, reason: bar.say(f"line {number}: {reason}"),
                advanced=lambda: bar.reached(log.position()),
            )

    def _aggregate(self, tally: Tally) -> None:
        with progress("Metrics of the days", total=len(tally.days), stderr=self.stderr) as bar:
            for number, day in enumerate(sorted(tally.days), start=1):
                aggregate_day(day=day, now=now())
                bar.reached(number)


def _reached(tally: Tally) -> str:
    if not tally.lines:
        return ""
    return f"{tally.lines:,} lines were read, {tally.added_page_views:,} new page views are stored."


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "lines": tally.lines,
        "malformed": tally.malformed,
        "ignored": tally.ignored,
        "crawlerPageViews": tally.crawler_page_views,
        "pageViews": tally.page_views,
        "sessions": tally.sessions,
        "visitors": tally.visitors,
        "firstTime": tally.first_time,
        "lastTime": tally.last_time,
    }


def _rows(tally: Tally) -> list[tuple[str, object]]:
    return [
        ("Lines", tally.lines),
        ("Malformed, skipped", tally.malformed),
        ("Ignored (no page views)", tally.ignored),
        ("Page views of crawlers", tally.crawler_page_views),
        ("Page views", tally.page_views),
        ("  of these new", tally.added_page_views),
        ("Sessions", tally.sessions),
        ("  of these new", tally.added_sessions),
        ("Visitors", tally.visitors),
        ("First request", tally.first_time),
        ("Last request", tally.last_time),
        ("On the dashboard", f"{settings.PUBLIC_URL}/admin/?to={max(tally.days)}" if tally.days else "nothing"),
    ]
