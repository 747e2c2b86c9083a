"""`manage.py export_visitor ID`: everything held about a visitor, as JSON."""

from core.management.personal_data import ExportCommand
from core.personal_data import Subject
from sessions_app.management.visitors import visitor_named


class Command(ExportCommand):
    """Gives out what the API's `visitor/export` does, and what was ordered as a guest in any of the visits."""

    word = "id"
    help = (
        "Everything held about a visitor, as JSON: by the id of a visit or a visitor, or the value of a cookie or "
        "token. Exit code 1 if nothing is held."
    )

    def subject(self, text: str) -> Subject:
        """Whose id it is."""
        return visitor_named(text)
