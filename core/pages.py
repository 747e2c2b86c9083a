"""Pages of a list by cursor: the last row's place in the order, so that page 1,000 costs what page 1 costs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from core.errors import InvalidInputError

Row = TypeVar("Row", bound=Model)
PAGE = 24
LONGEST_TEXT = 200


def encode_cursor(place: list[str]) -> str:
    """A place in an order as an opaque text."""
    return urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, parts: int) -> list[str]:
    """The place of a cursor.

    Raises:
        InvalidInputError: it is not one of ours.
    """
    try:
        place = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        json.dumps(place, ensure_ascii=False).encode()  # a lone surrogate raises: PostgreSQL cannot hold it
    except ValueError:
        place = None
    if (
        not isinstance(place, list)
        or len(place) != parts
        or not all(isinstance(part, str) and "\0" not in part for part in place)
    ):
        raise InvalidInputError(
            _("This cursor is not valid."), details={"cursor": [str(_("This cursor is not valid."))]}
        )
    return place


def page_of(
    rows: QuerySet[Row], place_of: Callable[[Row], list[Any]], size: int = PAGE
) -> tuple[list[Row], str | None]:
    """The first `size` rows, and the cursor of the next page if there is one."""
    found = list(rows[: size + 1])
    more = len(found) > size
    return found[:size], encode_cursor([str(part) for part in place_of(found[size - 1])]) if more else None


def text_parameter(request: Request, name: str) -> str:
    """A text of the query string.

    Raises:
        InvalidInputError: it has a null byte, which PostgreSQL cannot hold, or is longer than 200 characters.
    """
    value = request.query_params.get(name, "")
    if "\0" in value or len(value) > LONGEST_TEXT:
        message = _("200 characters at most, and no null bytes.")
        raise InvalidInputError(message, details={name: [str(message)]})
    return value
