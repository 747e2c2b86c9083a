"""`manage.py export_customer EMAIL`: everything held about somebody, as JSON."""

from core.management.personal_data import ExportCommand
from core.personal_data import Subject
from customers.emails import normal_email
from customers.selectors import subject_with_email


class Command(ExportCommand):
    """Gives out what the API's `account/export` does."""

    word = "email"
    help = "Everything held about the customer of an e-mail address, as JSON. Exit code 1 if nothing is held."

    def subject(self, text: str) -> Subject:
        """Whose address it is."""
        return subject_with_email(normal_email(text))
