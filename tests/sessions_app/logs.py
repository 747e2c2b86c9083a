"""Lines of access logs, imports of them, and what an import leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction

from sessions_app.access_log import Refusals, Tally, import_access_logs
from sessions_app.models import CrawlerDay, SessionEvent, VisitorSession

NOW = datetime(2026, 3, 12, tzinfo=UTC)
START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MINUTE, HALF_AN_HOUR, DAY = 60, 1800, 86_400


def line(
    after: int = 0,
    *,
    ip: str = "198.51.100.7",
    request: str = "GET / HTTP/1.1",
    status: int = 200,
    referrer: str = "-",
    user_agent: str = FIREFOX,
) -> bytes:
    """A line of a log, so many seconds after START."""
    return f'{common_line(after, ip=ip, request=request, status=status)} "{referrer}" "{user_agent}"'.encode()


def common_line(after: int = 0, *, ip: str = "198.51.100.7", request: str = "GET / HTTP/1.1", status: int = 200) -> str:
    """The same in the common format."""
    time = (START + timedelta(seconds=after)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{ip} - - [{time}] "{request}" {status} 512'


def log_of(path: Path, lines: Iterable[bytes]) -> Path:
    """A file with these lines."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def import_files(
    *paths: Path,
    again: bool = False,
    own_host: str = "shop.example",
    advanced: Callable[[int], None] = lambda _read: None,
    report: Path | None = None,
    changed: set[date] | None = None,
) -> Tally:
    """Imports, and checks that every line is accounted for. Days whose numbers are others now go to `changed`."""
    tally = Tally()
    import_access_logs(
        paths=list(map(str, paths)),
        own_host=own_host,
        now=NOW,
        tally=tally,
        refusals=Refusals(report or paths[0].with_name("refused.csv"), say=lambda _text: None),
        advanced=advanced,
        touched=set[date]().update if changed is None else changed.update,
        again=again,
    )
    assert tally.lines == tally.page_views + tally.crawler_page_views + tally.ignored + tally.malformed
    assert tally.reasons.total() == tally.malformed
    return tally


def import_lines(lines: Iterable[bytes], **options: Any) -> Tally:
    """Imports a log of these lines."""
    with TemporaryDirectory() as folder:
        return import_files(log_of(Path(folder, "access.log"), lines), **options)


def days_changed_by(lines: Iterable[bytes]) -> list[date]:
    """Imports a log of these lines, and tells the days whose numbers are others now."""
    changed: set[date] = set()
    import_lines(lines, changed=changed)
    return sorted(changed)


def stored() -> list[Any]:
    """All that an import leaves: visits with their events. Without `received_at`, it is the clock's."""
    visits = VisitorSession.objects.order_by("pk")
    events = SessionEvent.objects.order_by("pk").values_list("pk", "session_id", "timestamp", "page")
    return [*visits.values(), *events, *CrawlerDay.objects.order_by("day").values_list("day", "page_views")]


def rolled_back(do: Callable[[], object], look: Callable[[], list[Any]] = stored) -> list[Any]:
    """What is there after doing it, which is then undone."""
    with transaction.atomic():
        do()
        found = look()
        transaction.set_rollback(True)
    return found
