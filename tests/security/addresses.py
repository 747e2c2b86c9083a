"""An example of every address of the shop: whoever adds a route is in the tests that visit them."""

from __future__ import annotations

import re
from uuid import UUID

from tests.security.routes import walk

NOBODY = UUID(int=7)
"""An id that no row has."""
PARAMETER = re.compile(r"<(?:(\w+):)?\w+>")
VALUES = {"int": "7", "uuid": str(NOBODY), "slug": "no-such-thing", "str": "no-such-thing", "path": "7"}


def addresses() -> list[str]:
    """One of each route, with something in the place of what varies."""
    return sorted({filled(written) for written, _pattern in walk()})


def filled(written: str) -> str:
    """A route with its parameters filled in. Those that are regular expressions are catch-alls of the admin."""
    begin, expression, _rest = written.partition("(?P")
    if expression:
        return begin.rstrip("^") + "no-such-page"
    return PARAMETER.sub(lambda found: VALUES[found[1] or "str"], written).removesuffix("$")
