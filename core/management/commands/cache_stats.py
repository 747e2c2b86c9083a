"""`manage.py cache_stats`: what Redis holds, how often it finds what it is asked for, and whom limits refused."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import limits
from core.clock import now as clock_now
from core.management.redis_tables import keys_body, print_keys, print_server, server_body
from core.redis import RedisAwayError
from core.redis_stats import Keys, Server, keys, server
from core.terminal import print_json, print_table

Refusals = dict[str, dict[str, int]]
AWAY = "Redis is away. What limits refuse meanwhile is in the log."


class Command(BaseCommand):
    """Tells how Redis is doing at this moment."""

    help = (
        "Keys and memory of Redis by prefix, hit rate, and requests refused by limit and UTC day. On a big shop keys "
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
        except RedisAwayError as error:
            raise CommandError(AWAY) from error
        if options["json"]:
            print_json(self.stdout, _body(held, itself, refused, now))
            return
        print_keys(self.stdout, held)
        print_server(self.stdout, itself)
        rows = [(day, name, number) for day, by_limit in refused.items() for name, number in by_limit.items()]
        columns = ("Day (UTC)", "Limit", "Requests refused")
        print_table(self.stdout, rows or [("-", "none", 0)], columns=columns, title="Limits")


def _body(held: Keys, itself: Server, refused: Refusals, now: datetime) -> dict[str, object]:
    return {"at": now.astimezone(UTC), "keys": keys_body(held), "server": server_body(itself), "refusals": refused}
