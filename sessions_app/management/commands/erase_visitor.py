"""`manage.py erase_visitor ID`: erases what is held about a visitor."""

from core.management.personal_data import EraseCommand
from core.personal_data import Subject
from sessions_app.management.visitors import visitor_named


class Command(EraseCommand):
    """Does what the API's `DELETE visitor` does, for what was ordered as a guest in any of the visits, too."""

    word = "id"
    help = (
        "Erases what is held about a visitor, by the id of a visit or a visitor, or the value of a cookie or token, "
        "but for what invoices of guests must keep (see docs/privacy.md). Pending orders of guests are cancelled; what "
        "belongs to an account goes with it, by erase_customer."
    )

    def subject(self, text: str) -> Subject:
        """Whose id it is."""
        return visitor_named(text)
