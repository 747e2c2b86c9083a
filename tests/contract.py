"""What the OpenAPI schema says of answers, and where one differs: a stub of the API cannot go its own way."""

from __future__ import annotations

import json
from functools import cache
from re import fullmatch, sub
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

Json = dict[str, Any]
PREFIX = "/api/v1"


@cache
def schema() -> Json:
    """The schema of the shop's API, whatever URLs a test has set. It takes a second to make."""
    made: Json = SchemaGenerator(urlconf="config.urls").get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for shape in made["components"]["schemas"].values():
        if "properties" in shape:
            shape.setdefault("additionalProperties", False)  # a field that the API does not have is a difference
    return made


@cache
def operations() -> list[tuple[str, str, Json]]:
    """Method, path as a pattern, and answers by status; paths that are wholly written out come first."""
    found = [
        (method.upper(), sub(r"\{\w+\}", "[^/]+", path), operation["responses"])
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda operation: "[" in operation[1])


@cache
def answers(method: str, path: str) -> Json:
    """What the API may answer, by status; `path` is below /api/v1.

    Raises:
        LookupError: it has no such endpoint.
    """
    for its_method, pattern, found in operations():
        if its_method == method and fullmatch(pattern, PREFIX + path):
            return found
    raise LookupError(f"{method} {path} is not in the schema")


def good_status(method: str, path: str) -> int:
    """The status of an answer that is no refusal."""
    return int(min(answers(method, path)))


def differences(method: str, path: str, status: int, body: Any) -> list[str]:
    """Where an answer is not as the schema says."""
    described = answers(method, path)
    answer = described.get(str(status))
    if answer is None:
        return [f"{method} {path}: {status} is not in the schema"]
    found = validator(json.dumps(answer["content"]["application/json"]["schema"])).iter_errors(body)
    return [f"{method} {path} {status}: {error.json_path}: {error.message[:300]}" for error in found]


@cache
def validator(shape: str) -> Any:
    """Checks bodies against one shape of the schema (as JSON), and the forms of ids."""
    whole = {**json.loads(shape), "components": schema()["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
