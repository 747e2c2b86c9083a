"""The routes of the API, from the URL configuration: a new one is in the tests without anyone remembering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern

from tests.security.fuzzing import raw_schema
from tests.security.routes import PARAMETER, walk

API = "/api/v1/"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
Json = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """A path with `<kind:name>` in it, and a method that it answers."""

    method: str
    pattern: str

    def path(self, own: dict[str, list[str]], **instead: str) -> str:
        """Its path, with somebody's own ids."""
        return PARAMETER.sub(lambda found: instead.get(found[1]) or own.get(found[1], ["x"])[0], self.pattern)

    @property
    def documented(self) -> Json | None:
        """What the API schema says of it."""
        found: Json = raw_schema()["paths"].get(PARAMETER.sub(r"{\1}", self.pattern), {})
        return found.get(self.method.lower())

    def body(self, own: dict[str, list[str]]) -> Any:
        """A body that the API takes, with somebody's own ids; None if it takes none."""
        documented = self.documented or {}
        content = documented.get("requestBody", {}).get("content", {}).get("application/json")
        return sample(content["schema"], own) if content else None

    def __str__(self) -> str:
        return f"{self.method} {self.pattern}"


def routes(*methods: str) -> list[Route]:
    """Those of the API, of some methods."""
    found = [(path, pattern) for path, pattern in walk() if path.startswith(API)]
    return [Route(method, path) for path, pattern in found for method in methods if method in methods_of(pattern)]


def methods_of(pattern: URLPattern) -> tuple[str, ...]:
    """The methods that a path answers. A plain function is tracking, which is posted to, or else a page."""
    view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
    if view is None:
        return ("POST",) if pattern.callback.__name__ == "track" else ("GET",)
    return tuple(name.upper() for name in view.http_method_names if hasattr(view, name))


def sample(schema: Json, own: dict[str, list[str]], name: str = "") -> Any:
    """A value that the schema allows, with every field that it knows."""
    if "$ref" in schema:
        return sample(raw_schema()["components"]["schemas"][schema["$ref"].rpartition("/")[2]], own, name)
    if name in own:
        return own[name][0]
    for several in ("oneOf", "allOf", "anyOf"):
        if several in schema:
            return sample(schema[several][0], own, name)
    if "enum" in schema:
        return "GB" if "GB" in schema["enum"] else schema["enum"][0]
    return of_type(schema, own)


def of_type(schema: Json, own: dict[str, list[str]]) -> Any:
    """A value of the schema's type."""
    kinds = schema.get("type", "object")
    match kinds if isinstance(kinds, str) else kinds[0]:
        case "object":
            return {name: sample(each, own, name) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"], own)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return {"uuid": "00000000-0000-4000-8000-000000000000", "email": "new@example.com", "decimal": "1.00"}.get(
        schema.get("format", ""), "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "search"
    )
