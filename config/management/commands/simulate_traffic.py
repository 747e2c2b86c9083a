"""`manage.py simulate_traffic`: shoppers over HTTP, against a shop that runs."""

import asyncio
from argparse import ArgumentParser, ArgumentTypeError
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from config.traffic.browser import Shop
from config.traffic.crowd import Run, UnreachableError, traffic
from config.traffic.tally import Tally
from core.management.endings import STOPPED
from core.terminal import print_json, print_table, progress

VISITORS = 100
Rows = list[tuple[str, object]]


def positive(text: str) -> float:
    """A number above 0.

    Raises:
        ArgumentTypeError: it is none.
    """
    number = not_negative(text)
    if not number:
        raise ArgumentTypeError("a number above 0")
    return number


def not_negative(text: str) -> float:
    """A number, 0 or more.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError("a number, 0 or more")
    return number


def whole(text: str) -> int:
    """A whole number of 1 or more.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isdecimal() and int(text)):
        raise ArgumentTypeError("a whole number of 1 or more")
    return int(text)


def address(text: str) -> str:
    """The shop's address without a path.

    Raises:
        ArgumentTypeError: it is none.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ArgumentTypeError("an address such as http://localhost:8000")
    return f"{parts.scheme}://{parts.netloc}"


class Command(BaseCommand):
    """Sends a believable crowd."""

    requires_system_checks: list[str] = []  # it is a stranger: whether this checkout is well does not matter
    help = (
        "Sends visitors to a running shop over HTTP, as browsers and crawlers would come: devices, countries, "
        "languages, channels, consent, page views, carts, checkouts, orders, payments at the billing sandbox. The same "
        "seed sends the same people; what they can buy depends on the shop. Orders are real orders: use a shop to try. "
        "Each visitor says an address of their country in X-Forwarded-For, which the shop believes only with "
        "TRUSTED_PROXY_COUNT=1 (and no proxy before it); else all come from this machine, share its rate limits, and, "
        "without consent, are told apart by their browser alone. Exit code 1 after an answer of 500 or more, or none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument(
            "--visitors", type=whole, help=f"how many come ({VISITORS}; with --duration, as many as there is time for)"
        )
        parser.add_argument("--rate", type=positive, default=5.0, help="new visitors a second, on average (5)")
        parser.add_argument("--duration", type=positive, metavar="SECONDS", help="nobody new comes after that")
        parser.add_argument("--url", type=address, default="http://localhost:8000", help="the shop (%(default)s)")
        parser.add_argument("--seed", type=int, default=7, help="the same seed sends the same people (7)")
        parser.add_argument(
            "--pace", type=not_negative, default=0.1, help="how long they think: 1 as in life, 0 not at all (0.1)"
        )
        parser.add_argument("--at-once", type=whole, default=50, help="as many as that are there together at most (50)")
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Sends them and tells what they did.

        Raises:
            CommandError: no shop answers, it failed in between, or Ctrl-C (exit code 130; what was done is told).
        """
        tally, began = Tally(), monotonic()
        stopped = not self._send(_run_of(options), tally)
        seconds = monotonic() - began
        if options["json"]:
            print_json(self.stdout, _body(tally, seconds, stopped=stopped))
        else:
            self._tell(tally, seconds, options["url"])
        if stopped:
            raise CommandError("Stopped. Those who were in the shop have left it as they stood.", returncode=STOPPED)
        if tally.failed:
            raise CommandError("The shop failed: answers of 500 or more, wrong ones, or none. See the problems.")

    def _send(self, run: Run, tally: Tally) -> bool:
        """Whether all have come and gone; no after Ctrl-C."""
        try:
            with progress("Visitors", total=run.visitors, stderr=self.stderr) as bar:
                asyncio.run(traffic(run, tally, bar.reached))
        except UnreachableError as error:
            raise CommandError(f"{error} (Is it running? make run)") from error
        except KeyboardInterrupt:
            return False
        return True

    def _tell(self, tally: Tally, seconds: float, url: str) -> None:
        print_table(self.stdout, _rows(tally, seconds), title=f"Traffic at {url}")
        if tally.problems:
            rows = [(kind, problem.count, problem.first) for kind, problem in sorted(tally.problems.items())]
            columns = ("Refused or failed", "Times", "The first")
            print_table(self.stdout, rows, columns=columns, title="Problems")


def _run_of(options: dict[str, Any]) -> Run:
    visitors = options["visitors"]
    if visitors is None and options["duration"] is None:
        visitors = VISITORS
    return Run(
        shop=Shop(url=options["url"], pace=options["pace"]),
        visitors=visitors,
        rate=options["rate"],
        seconds=options["duration"],
        at_once=options["at_once"],
        seed=options["seed"],
    )


def _rows(tally: Tally, seconds: float) -> Rows:
    return [
        ("Visitors", tally.visitors),
        ("  of these bots", tally.bots),
        ("Seconds", f"{seconds:.1f}"),
        ("Requests", tally.requests),
        *((f"  answered {status}", number) for status, number in sorted(tally.statuses.items())),
        *([("  not answered", tally.unanswered)] if tally.unanswered else []),
        ("Half of the answers within", _milliseconds(tally.percentile(0.5))),
        ("95 of 100 within", _milliseconds(tally.percentile(0.95))),
        ("Page views by the script", tally.page_views),
        ("Page views of bots", tally.crawler_views),
        ("Carts", tally.carts),
        ("Checkouts", tally.checkouts),
        ("Orders placed", tally.orders),
        ("Orders paid", tally.paid),
        ("Payments declined", tally.declined),
    ]


def _milliseconds(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f} ms"


def _body(tally: Tally, seconds: float, *, stopped: bool) -> dict[str, object]:
    return {
        "stopped": stopped,
        "seconds": round(seconds, 3),
        "visitors": tally.visitors,
        "people": tally.people,
        "bots": tally.bots,
        "requests": tally.requests,
        "statuses": {str(status): number for status, number in sorted(tally.statuses.items())},
        "unanswered": tally.unanswered,
        "p50Ms": tally.percentile(0.5),
        "p95Ms": tally.percentile(0.95),
        "events": tally.events,
        "pageViews": tally.page_views,
        "crawlerPageViews": tally.crawler_views,
        "carts": tally.carts,
        "checkouts": tally.checkouts,
        "orders": tally.orders,
        "paid": tally.paid,
        "declined": tally.declined,
        "problems": [
            {"kind": kind, "count": problem.count, "first": problem.first}
            for kind, problem in sorted(tally.problems.items())
        ],
    }
