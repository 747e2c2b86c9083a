"""`manage.py prepare`: what a release needs before it serves."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from analytics.demo.tables import STAFF_EMAIL, STAFF_PASSWORD
from config.schedule import sync_schedule
from core.mail_texts import sync_texts
from core.postgresql.sessions import own_session
from customers.groups import create_groups
from customers.models import User


def unapplied() -> bool:
    """Whether a migration is missing in the database; asking is much quicker than migrating nothing."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def refuse_the_demo() -> None:
    """The demo shop's password is in the README: a database that had the demo never becomes a shop.

    Raises:
        CommandError: it has.
    """
    staff = User.objects.filter(email=STAFF_EMAIL, is_active=True).first()
    if staff and staff.check_password(STAFF_PASSWORD):
        raise CommandError("This database holds the demo shop, whose password everybody knows. Use an empty one.")


def set_timeouts() -> None:
    """Writes the limits of sessions to the role that owns the shop: a pooler takes none from who comes to it."""
    role = f"ALTER ROLE CURRENT_USER IN DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])}"
    with connection.cursor() as cursor:
        for name, milliseconds in settings.DATABASE_TIMEOUTS.items():
            cursor.execute(f"{role} SET {name} = {milliseconds}")


class Command(BaseCommand):
    """Migrations, the job schedule and the staff groups; `--demo` adds the demo shop once. Safe to run again."""

    requires_system_checks: list[str] = []  # `make check` and the web process make them
    help = "Migrates, adds missing jobs to the schedule, creates the staff groups. Safe to run at every release."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="add the demo shop (development only)")

    @own_session()
    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_DIRECT_URL:
            set_timeouts()
        if unapplied():
            call_command("migrate", interactive=False, verbosity=0)
        if not settings.DEVELOPMENT:
            refuse_the_demo()
        create_groups()
        sync_texts()
        added = sync_schedule()
        if added:
            self.stdout.write(f"{added} jobs added to the schedule.")
        if options["demo"]:
            call_command("demo")
