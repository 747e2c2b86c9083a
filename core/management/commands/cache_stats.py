"""`manage.py cache_stats`: what Redis holds, how often an answer was kept, and what was refused."""

from argparse import ArgumentParser
from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import counts, limits, measured
from core.clock import now as clock_now
from core.counts import ByDay
from core.limits import Refusals
from core.management.redis_tables import keys_body, print_keys, print_server, server_body
from core.measured import Lookups
from core.redis import RedisAwayError
from core.redis_stats import keys, server
from core.terminal import print_json, print_table

AWAY = "Redis is away. What is refused meanwhile is in the log."


class Command(BaseCommand):
    """Tells how Redis is doing at this moment."""

    help = (
        "Keys and memory of Redis by prefix, how often each cache had the answer, requests refused by limit, endpoint "
        "and UTC day, webhooks, answers of billing and requests about orders that were of no use. On a big shop keys "
        "and memory are estimated from a sample. Exit code 1 if Redis is away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prints it.

        Raises:
            CommandError: Redis is away.
        """
        now = clock_now()
        try:
            held, itself, refused = keys(), server(), limits.refusals(now=now)
            caches = measured.lookups()
            counted = {kind: counts.counts(kind, now=now) for kind in sorted(counts.kinds)}
        except RedisAwayError as error:
            raise CommandError(AWAY) from error
        if options["json"]:
            body = {"keys": keys_body(held), "server": server_body(itself), "refusals": refused, "counts": counted}
            hits = {name: {"hits": looked.found, "misses": looked.missed} for name, looked in caches.items()}
            print_json(self.stdout, {"at": now.astimezone(UTC)} | body | {"caches": hits})
            return
        print_keys(self.stdout, held)
        print_server(self.stdout, itself)
        self._tell_caches(caches)
        self._tell_refusals(refused)
        for kind, by_day in counted.items():
            self._tell(counts.kinds[kind], by_day)

    def _tell_caches(self, caches: dict[str, Lookups]) -> None:
        rows = [
            (name, looked.found, looked.missed, f"{looked.found / (looked.found + looked.missed):.1%}")
            for name, looked in caches.items()
        ]
        columns = ("Cache", "Had the answer", "Had not", "Share")
        print_table(self.stdout, rows or [("none", 0, 0, "-")], columns=columns, title="Caches")

    def _tell_refusals(self, refused: Refusals) -> None:
        rows = [
            (day, limit, endpoint, number)
            for day, by_limit in refused.items()
            for limit, by_endpoint in by_limit.items()
            for endpoint, number in by_endpoint.items()
        ]
        columns = ("Day (UTC)", "Limit", "Endpoint", "Requests refused")
        print_table(self.stdout, rows or [("-", "none", "-", 0)], columns=columns, title="Limits")

    def _tell(self, title: str, by_day: ByDay) -> None:
        rows = [(day, name, number) for day, found in by_day.items() for name, number in found.items()]
        columns = ("Day (UTC)", "Which", "How many")
        print_table(self.stdout, rows or [("-", "none", 0)], columns=columns, title=title)
