"""`manage.py reset_second_factor EMAIL`: for staff who have lost phone and recovery codes, and no superuser is left."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.clock import now
from customers.emails import normal_email
from customers.models import User
from customers.services import reset_second_factor


class Command(BaseCommand):
    """Does what the button on the account's page does."""

    help = "Takes the second factor of an account away and ends its logins. It is in the admin's log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("email")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Resets.

        Raises:
            CommandError: there is no such account, or it has no second factor.
        """
        user = User.objects.with_email(normal_email(options["email"])).first()
        text = "Second factor reset at the command line."
        if user is None or not reset_second_factor(user=user, text=text, now=now()):
            raise CommandError("No account of this address has a second factor.")
        self.stdout.write("Reset.")
