"""Ids that sort by the time they were made."""

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A UUIDv7."""
    return uuid7()
