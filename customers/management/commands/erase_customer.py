"""`manage.py erase_customer EMAIL`: erases what no law makes the shop keep."""

from django.core.management.base import CommandError

from core.management.personal_data import EraseCommand
from core.personal_data import Subject
from customers.emails import normal_email
from customers.selectors import STAFF_STAY, is_of_staff, subject_with_email


class Command(EraseCommand):
    """Does what the API's `DELETE account` does."""

    word = "email"
    help = (
        "Erases everything held about the customer of an e-mail address, but for what invoices must keep (see "
        "docs/privacy.md). Pending orders are cancelled. Running it twice is harmless."
    )

    def subject(self, text: str) -> Subject:
        """Whose address it is.

        Raises:
            CommandError: it is an account of staff.
        """
        found = subject_with_email(normal_email(text))
        if is_of_staff(found):
            raise CommandError(STAFF_STAY)
        return found

    def same(self, one: str, other: str) -> bool:
        """Whether both are one address, in any case."""
        return normal_email(one).lower() == normal_email(other).lower()
