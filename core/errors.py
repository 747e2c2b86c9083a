"""Errors that have a stable code. A rule raises one; `core.api.handle_exception` turns it into the envelope."""

from typing import Any

from django.utils.functional import Promise


class DomainError(Exception):
    """A request that the rules refuse. Subclasses stand beside the function that raises them.

    `code` and `status` belong to the API's contract; `message` is for people; `details` names the fields.
    """

    code = "INVALID_INPUT"
    status = 400
    message: str | Promise = ""

    def __init__(self, message: str | Promise = "", *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message or self.message)
        self.text = message or self.message
        self.details = details or {}


class InvalidInputError(DomainError):
    """The request cannot be understood; `details` says which field and why."""


class NotFoundError(DomainError):
    """No such thing, or somebody else's: existence is not revealed."""

    code, status = "NOT_FOUND", 404
