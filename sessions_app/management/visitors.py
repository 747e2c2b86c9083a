"""How commands are told which visitor is meant."""

from django.core.management.base import CommandError

from core.personal_data import Subject
from sessions_app import whose


def visitor_named(text: str) -> Subject:
    """The visitor of that id or cookie.

    Raises:
        CommandError: nobody knows it, or it may be several people's.
    """
    try:
        found = whose.named(text)
    except whose.SharedIdError as error:
        raise CommandError(
            "This visitor gave no consent to be recognised: the id is of a day, and others with the same address and "
            "browser have it, too. Name the visit."
        ) from error
    if found is None:
        raise CommandError("No visit and no visitor is known by this id or cookie (any more).")
    return found
