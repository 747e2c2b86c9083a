"""Every address of the shop, as the URL configuration says: nobody has to remember one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
EXPRESSION = re.compile(r"\^?\(\?P<(\w+)>[^)]*\)(/?)\$?")
"""How the admin itself writes its list of apps and its last resort."""


@dataclass(frozen=True)
class Route:
    """An address with the names of what varies in it, as in `/api/v1/orders/<order_id>`."""

    path: str
    name: str
    view: Any

    def filled(self, values: Mapping[str, Any]) -> str:
        """The address of one thing.

        Raises:
            KeyError: there is no value for a parameter: `Things.values` needs one.
        """
        return PARAMETER.sub(lambda found: str(values[found[1]]), self.path)

    @property
    def is_of_admin(self) -> bool:
        """Whether it is a page for staff."""
        return self.path.startswith("/admin/")


def routes(urls: str | None = None) -> list[Route]:
    """All of a URL configuration, the shop's own unless another is named. Of two with one path the first answers."""
    found: dict[str, Route] = {}
    for written, pattern in walk(get_resolver(urls).url_patterns):
        found.setdefault(plain(written), Route(plain(written), pattern.name or "", pattern.callback))
    return list(found.values())


def walk(patterns: list[URLPattern | URLResolver] | None = None, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Every address as it is written, `/api/v1/orders/<uuid:order_id>`, of the shop unless others are named."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        written = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, written)
        else:
            yield written, pattern


def plain(pattern: str) -> str:
    """An address with its parameters by name: `<uuid:order_id>` and `(?P<order_id>...)` alike as `<order_id>`."""
    return PARAMETER.sub(r"<\1>", EXPRESSION.sub(r"<\1>\2", pattern))
