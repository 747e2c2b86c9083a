"""Whatever is sent, the answer is one that the API schema has: no bug, no status and no field that it does not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.billing_server import BillingService
from tests.promises.processes import LONG
from tests.security.callers import CALLERS, caller
from tests.security.fuzzing import SEED, Fuzz, operations, raw_schema
from tests.world import World

pytestmark = pytest.mark.django_db

PRODUCT = "GET /api/v1/storefront/products/{slug_or_id}"
START = "POST /api/v1/storefront/session"
PROMISED = 2_000
"""Requests of a whole run, on docs/promises.md."""


@pytest.fixture(scope="module")
def made_up() -> Iterator[Counter[str]]:
    """How many requests each caller made; all together, in the long run, as many as are promised."""
    requests: Counter[str] = Counter()
    yield requests
    if LONG and requests.keys() == set(CALLERS):
        assert requests.total() >= PROMISED


@pytest.mark.parametrize("kind", CALLERS)
def test_every_answer_is_as_the_schema_says(
    kind: str, world: World, billing: BillingService, made_up: Counter[str]
) -> None:
    fuzz = Fuzz(caller(kind, world), kind)
    for operation in operations():
        fuzz.run(operation)
    made_up[kind] = fuzz.asked.total()
    print(f"{kind}: {fuzz.asked.total()} cases, {len(fuzz.asked)} operations by status")  # noqa: T201
    assert not fuzz.found, f"SCHEMA_SEED={SEED}\n" + "\n".join(fuzz.found.values())


# Controls -----------------------------------------------------------------------------------------------------------


def findings(label: str, world: World, schema: dict[str, Any] | None = None, *, cases: int = 6) -> set[str]:
    """What is found wrong with one operation, by kind. What is planted must be found, whatever `make promises` begins
    with; and one beginning may miss it.
    """
    found: set[str] = set()
    for seed in ("planted", "control", "found"):
        fuzz = Fuzz(caller("nobody", world), "nobody", seed=seed)
        for operation in operations(schema):
            if operation.label == label:
                fuzz.run(operation, cases)
        found |= {kind for _label, kind, _status in fuzz.found}
    return found


def other_schema() -> Any:
    """Ours, to be changed."""
    return deepcopy(raw_schema())


def test_control_a_status_that_the_schema_does_not_name_is_noticed(world: World, billing: BillingService) -> None:
    schema = other_schema()
    del schema["paths"]["/api/v1/storefront/products/{slug_or_id}"]["get"]["responses"]["404"]
    assert findings(PRODUCT, world, schema) == {"UndefinedStatusCode"}


def test_control_an_answer_of_another_shape_is_noticed(world: World, billing: BillingService) -> None:
    schema = other_schema()
    schema["components"]["schemas"]["SessionOut"]["properties"]["pageViews"] = {"type": "string"}
    assert findings("GET /api/v1/storefront/session/current", world, schema) == {"JsonSchemaError"}


def test_control_a_bug_is_noticed(world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.api.find_product", lambda name: 1 / 0)
    assert "ServerError" in findings(PRODUCT, world)


def test_control_what_is_taken_though_the_schema_forbids_it_is_noticed(world: World, billing: BillingService) -> None:
    schema = other_schema()
    schema["components"]["schemas"]["StartSessionInRequest"]["additionalProperties"] = False
    assert findings(START, world, schema, cases=30) == {"AcceptedNegativeData"}


def test_control_what_is_refused_though_the_schema_allows_it_is_noticed(world: World, billing: BillingService) -> None:
    schema = other_schema()
    schema["components"]["schemas"]["StartSessionInRequest"]["properties"]["landingPage"] = {"type": "integer"}
    assert "RejectedPositiveData" in findings(START, world, schema, cases=30)


def test_control_what_should_need_a_login_and_does_not_is_noticed(world: World, billing: BillingService) -> None:
    schema = other_schema()
    schema["paths"]["/api/v1/storefront/products"]["get"]["security"] = [{"login": []}]
    assert findings("GET /api/v1/storefront/products", world, schema) == {"IgnoredAuth"}
