"""`manage.py import_access_log FILE...`: past visits from a web server's logs."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from analytics.dashboard.asked import Asked
from analytics.touched import TouchedDays
from core.clock import now
from core.management.endings import STOPPED, why
from core.terminal import print_json, print_table, progress
from sessions_app.access_log import (
    LogUnreadableError,
    NotALogError,
    Refusals,
    Tally,
    import_access_logs,
    place_of_report,
    places,
)

UNUSUAL = {"Lines read by earlier imports", "Refused before it was stopped", "  without a user agent"}
"""Rows that are shown if there is something to say."""


class Command(BaseCommand):
    """Imports the logs, makes the metrics of the days that changed, and writes down what was refused."""

    help = (
        "Imports visits from Apache or nginx access logs (combined or common format, plain or gzip), rotated ones in "
        "any order. Importing a log twice adds nothing; one that has grown, or whose import was stopped, goes on where "
        "it was. Lines that cannot be taken are written to a report with their reasons; the others are stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("files", nargs="+", metavar="file", help="the logs, or - for standard input")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")
        parser.add_argument(
            "--host",
            default=urlsplit(settings.PUBLIC_URL).hostname or "",
            help="the shop's host in the logs' referrers, which brings nobody (default: that of PUBLIC_URL)",
        )
        parser.add_argument("--again", action="store_true", help="read all from the start; adds nothing twice either")
        parser.add_argument(
            "--report",
            metavar="FILE",
            help="where refused lines go (default: beside the first log, or here, as refused.LOG.csv)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs the import.

        Raises:
            CommandError: a file cannot be read or is no log, the report cannot be written, lines were refused,
                PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        tally, touched, paths = Tally(), TouchedDays(), options["files"]
        report = Path(options["report"]) if options["report"] else place_of_report(paths[0])
        if report.exists() and any(Path(path).exists() and report.samefile(path) for path in paths):
            raise CommandError("The report would take the place of a log. Name another with --report.")
        try:
            self._import(report, tally, touched, options)
            changed = touched.compute(self.stderr)
        except (LogUnreadableError, NotALogError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"PostgreSQL cannot be asked: {why(error)} {_reached(tally)}Run it again to go on."
            ) from error
        except OSError as error:
            nowhere = f"Refused lines cannot be written down ({error}). Name another file with --report."
            raise CommandError(f"{nowhere} {_reached(tally)}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {_reached(tally)}Run it again to go on.", returncode=STOPPED) from None
        if options["json"]:
            written_to = str(report) if tally.refused else None
            print_json(self.stdout, _figures(tally) | {"days": changed, "report": written_to})
        else:
            self._show(tally, changed, paths)
        places.told(tally.logs)
        if tally.refused:
            raise CommandError(f"Lines refused: {tally.refused:,}. Why: {report}")

    def _show(self, tally: Tally, changed: Iterable[date], paths: Sequence[str]) -> None:
        title = f"Access log {paths[0]}" if tally.files == 1 else f"{tally.files:,} access logs"
        print_table(self.stdout, _rows(tally), title=title)
        newest = max(changed, default=None)
        self.stdout.write(f"On the dashboard: {dashboard_of(newest) if newest else 'nothing new'}")
        if tally.reasons:
            print_table(self.stdout, tally.reasons.most_common(), title="Why lines were refused")

    def _import(self, report: Path, tally: Tally, touched: TouchedDays, options: dict[str, Any]) -> None:
        paths = options["files"]
        sizes = [Path(path).stat().st_size for path in dict.fromkeys(paths) if Path(path).is_file()]
        with progress("Reading", total=sum(sizes) or None, stderr=self.stderr, in_bytes=True) as bar:
            import_access_logs(
                paths=paths,
                own_host=options["host"],
                now=now(),
                tally=tally,
                refusals=Refusals(report, say=bar.say),
                advanced=bar.reached,
                touched=touched.add,
                again=options["again"],
            )


def _reached(tally: Tally) -> str:
    """What was stored until it stopped, as a sentence before another; empty for nothing."""
    if not tally.lines:
        return ""
    return f"{tally.lines:,} lines were read, {tally.added_page_views:,} new page views are stored. "


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "files": tally.files,
        "lines": tally.lines,
        "linesBefore": tally.lines_before,
        "malformed": tally.malformed,
        "malformedBefore": tally.malformed_before,
        "reasons": tally.reasons,
        "ignored": tally.ignored,
        "crawlerPageViews": tally.crawler_page_views,
        "pageViews": tally.page_views,
        "pageViewsWithoutUserAgent": tally.unnamed_page_views,
        "newPageViews": tally.added_page_views,
        "sessions": tally.sessions,
        "newSessions": tally.added_sessions,
        "visitors": tally.visitors,
        "firstTime": tally.first_time,
        "lastTime": tally.last_time,
    }


def _rows(tally: Tally) -> list[tuple[str, object]]:
    rows = [
        ("Files", tally.files),
        ("Lines", tally.lines),
        ("Lines read by earlier imports", tally.lines_before),
        ("Refused", tally.malformed),
        ("Refused before it was stopped", tally.malformed_before),
        ("Ignored (no page views)", tally.ignored),
        ("Page views of crawlers", tally.crawler_page_views),
        ("Page views", tally.page_views),
        ("  of these new", tally.added_page_views),
        ("  without a user agent", tally.unnamed_page_views),
        ("Sessions", tally.sessions),
        ("  of these new", tally.added_sessions),
        ("Visitors", tally.visitors),
        ("First request", tally.first_time),
        ("Last request", tally.last_time),
    ]
    return [(name, value) for name, value in rows if value or name not in UNUSUAL]


def dashboard_of(day: date) -> str:
    """Where a day that was imported is to be seen, with those before it."""
    return f"{settings.PUBLIC_URL}{Asked().of_days(day - timedelta(days=27), day)}"
