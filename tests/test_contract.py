"""The schema of the API says what each endpoint answers, and an answer that differs is noticed."""

import pytest

from tests.contract import differences, operations

CONSENT = "/storefront/session/consent"
HEALTH = "GET /api/v1/health"
"""Refuses nobody."""


def consent(**more: object) -> dict[str, object]:
    """An answer as the schema says, but for this."""
    return {"success": True, "data": {"analytics": None, "policyVersion": "1"} | more}


def test_an_answer_as_the_schema_says_is_none() -> None:
    assert differences("GET", CONSENT, 200, consent()) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"success": True, "data": {"analytics": None}}),
        (200, consent(analytics="yes")),
        (200, consent(more=1)),
        (201, consent()),
        (404, consent()),
    ],
    ids=["a field that is missing", "another type", "a field too many", "another status", "no refusal"],
)
def test_an_answer_that_differs_is_noticed(status: int, body: object) -> None:
    assert differences("GET", CONSENT, status, body) != []


def test_an_endpoint_that_is_none_is_noticed() -> None:
    with pytest.raises(LookupError):
        differences("GET", "/storefront/nothing", 200, consent())


def test_every_endpoint_says_how_it_refuses() -> None:
    silent = [f"{method} {path}" for method, path, answers in operations() if not {"400", "503"} <= answers.keys()]
    assert silent == [HEALTH]


def test_every_endpoint_says_what_it_answers() -> None:
    every = [(method, path, each) for method, path, answers in operations() for each in answers.values()]
    assert [f"{method} {path}" for method, path, answer in every if "content" not in answer] == []
