"""To whom an order is credited."""

from enum import StrEnum


class Model(StrEnum):
    """The visit that placed it, or a touch of its visitor that is frozen on it."""

    SESSION = "session"
    FIRST = "first"
    LAST = "last"
