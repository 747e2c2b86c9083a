"""`manage.py erase_customer EMAIL`: erases what no law makes the shop keep."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import personal_data
from core.clock import now
from customers.emails import normal_email
from customers.models import User
from customers.selectors import is_staff, subject_with_email


class Command(BaseCommand):
    """Does what the API's `DELETE account` does."""

    help = (
        "Erases everything held about the customer of an e-mail address, but for what invoices must keep (see "
        "docs/privacy.md). Pending orders are cancelled. Running it twice is harmless."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("email")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erases.

        Raises:
            CommandError: it is an account of staff, or whoever runs this says no.
        """
        subject = subject_with_email(normal_email(options["email"]))
        if any(is_staff(user) for user in User.objects.filter(pk__in=subject.users)):
            raise CommandError("This is an account of staff. Take its rights away first.")
        amounts = {name: len(rows) for name, rows in personal_data.export(subject).items() if rows}
        if not options["yes"]:
            self.ask(options["email"], amounts)
        personal_data.erase(subject, now=now())
        self.stdout.write("Erased." if amounts else "Nothing was held about this address.")

    def ask(self, email: str, amounts: Mapping[str, int]) -> None:
        """Lets people look at what they do.

        Raises:
            CommandError: they would rather not, or nobody is there to ask.
        """
        held = ", ".join(f"{name}: {amount}" for name, amount in amounts.items()) or "nothing"
        try:
            answer = input(f"About {email} is held: {held}.\nErase it for good? Type the address again: ")
        except EOFError as error:
            raise CommandError("Nothing was erased: there is nobody to ask. --yes does not ask.") from error
        if normal_email(answer).lower() != normal_email(email).lower():
            raise CommandError("Nothing was erased.")
