"""Every address of the shop, from the URL configuration: whoever adds a route is in the tests that walk them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver

NOBODY = UUID(int=7)
"""An id that no row has."""
VALUES = {"int": "7", "uuid": str(NOBODY), "slug": "no-such-thing", "str": "no-such-thing", "path": "7"}


def addresses() -> list[str]:
    """One of each route, with something in the place of what varies."""
    return sorted({f"/{path}" for path in below(get_resolver())})


def below(resolver: URLResolver) -> Iterator[str]:
    """The routes of a resolver, without the slash at the beginning."""
    for entry in resolver.url_patterns:
        begin = filled(entry)
        if isinstance(entry, URLResolver):
            yield from (begin + rest for rest in below(entry))
        elif begin is not None:
            yield begin


def filled(entry: URLPattern | URLResolver) -> str:
    """A route with its parameters filled in. Those that are regular expressions are catch-alls of the admin."""
    route = str(entry.pattern)
    for name, converter in entry.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").replace("String", "str").lower()
        route = route.replace(f"<{kind}:{name}>", VALUES[kind]).replace(f"<{name}>", VALUES[kind])
    return "no-such-page" if route.startswith("(?P") else route.removesuffix("$").removeprefix("^")
