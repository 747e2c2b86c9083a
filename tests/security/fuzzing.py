"""Requests made up from the API schema, good and bad, and where the answers are not as it says."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import requests
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import AcceptedNegativeData, Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from tests.security.callers import Caller

AnyCase = Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
CASES = int(os.environ.get("SCHEMA_CASES", "3"))
"""Of each operation, for each caller."""
SEED = os.environ.get("SCHEMA_SEED", "usual")
"""The same cases come again for the same seed: a test that fails now and then helps nobody who changed nothing."""
TRACKING = ("POST /api/v1/analytics/track", "POST /api/v1/storefront/session/track-event")
UNSAYABLE = {
    *("token", "password", "currentPassword", "email", "cursor", "Idempotency-Key"),  # of a kind, or known to us
    *("cartItems", "shippingMethodId", "shippingAddress", "shippingAddress.country"),  # for sale, serves the place
    *("cartItems.quantity", "expectedTotal", "addresses"),  # 1.0 is a whole number to JSON, not to us; one default
    *("from", "to", "date", "dimension"),  # one after the other, not to come
}
"""Fields for whose values there are rules that a schema cannot say: what it allows may still be refused for them."""
PLACE = re.compile(r"\.\d+")
"""Of an entry of a list, in the name of a field."""
BLANK = ["This field may not be blank."]
"""Spaces around a text are taken off: one of spaces alone is empty."""
GENERATED = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@cache
def raw_schema() -> dict[str, Any]:
    """The schema as it is published. It takes a second to make."""
    made: dict[str, Any] = SchemaGenerator(urlconf="config.urls").get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return cast(dict[str, Any], json.loads(json.dumps(made)))


def operations(schema: dict[str, Any] | None = None) -> Iterator[Operation]:
    """Every operation of a schema, by default of ours."""
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(schema or raw_schema())))
    loaded.config.generation.update(modes=list(GenerationMode), allow_x00=False)
    loaded.config.generation.with_security_parameters = False  # callers have their own
    return (found.ok() for found in loaded.get_all_operations() if isinstance(found, Ok))


class Fuzz:
    """Asks as one caller, and keeps what was not as the schema says: one example of a kind."""

    def __init__(self, caller: Caller, name: str, *, seed: str = SEED) -> None:
        self.caller, self.name, self.seed = caller, name, seed
        self.found: dict[tuple[str, ...], str] = {}
        self.asked: Counter[tuple[str, int]] = Counter()

    def run(self, operation: Operation, cases: int = CASES) -> None:
        """Asks this of the API, that often, each time of the same shop."""
        kinds = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @seed(zlib.crc32(f"{self.seed} {self.name} {operation.label}".encode()))
        @settings(GENERATED, max_examples=cases)
        @given(kinds, st.data())
        def ask(case: AnyCase, data: st.DataObject) -> None:
            with_own_ids(case, self.caller.own, data)
            self.check(case, send(case, self.caller))

        ask()

    def check(self, case: AnyCase, answer: schemathesis.Response) -> None:
        """Notes where an answer is not as the schema says."""
        self.asked[case.operation.label, answer.status_code] += 1
        excluded = [] if self.name == "nobody" else [ignored_auth]  # it does not see the caller's cookie
        if case.operation.label in TRACKING:
            excluded.append(negative_data_rejection)  # one bad event never loses the good ones
        try:
            case.validate_response(answer, excluded_checks=excluded)
        except FailureGroup as group:
            for failure in group.exceptions:
                if not is_excused(failure, case, answer):
                    self.note(failure, case, answer)

    def note(self, failure: Failure, case: AnyCase, answer: schemathesis.Response) -> None:
        """Keeps the first of a kind."""
        kind = (case.operation.label, type(failure).__name__, str(answer.status_code))
        sent = {
            "path": case.path_parameters,
            "query": case.query,
            "headers": dict(case.headers or {}),
            "body": case.body,
        }
        text = f"{' '.join(kind)}: {failure.message[:300]}\n  sent {sent!r:.600}\n  answer {answer.text[:400]}"
        self.found.setdefault(kind, text)


def is_excused(failure: Failure, case: AnyCase, answer: schemathesis.Response) -> bool:
    """Whether a request that the schema allows was refused for what no schema can say; or one was taken that it forbids
    since a parameter without a value is none.
    """
    if isinstance(failure, RejectedPositiveData):
        details = json.loads(answer.content)["details"]
        places = {PLACE.sub("", name): texts for name, texts in details.items()}
        sayable = [name for name, texts in places.items() if name not in UNSAYABLE and texts != BLANK]
        return bool(details) and not sayable
    return isinstance(failure, AcceptedNegativeData) and "" in (case.query or {}).values()


def with_own_ids(case: AnyCase, own: dict[str, list[str]], data: st.DataObject) -> None:
    """Puts what is the caller's own into most requests: others end at "there is no such thing"."""

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        mine = {name for name in value if name in own and data.draw(st.integers(0, 3))}
        return {
            name: data.draw(st.sampled_from(own[name])) if name in mine else filled(entry)
            for name, entry in value.items()
        }

    if case.path_parameters:
        case.path_parameters = filled(dict(case.path_parameters))
    if isinstance(case.body, dict):
        case.body = filled(case.body)


def send(case: AnyCase, caller: Caller) -> schemathesis.Response:
    """The answer to a case. What it changed in the database is taken back."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {text(name): text(value) for name, value in prepared.headers.items()}
    kind = headers.pop("Content-Type", "")
    del headers["User-Agent"]
    headers.pop("Content-Length", None)
    with undone():
        answer = caller.client().generic(
            str(prepared.method), prepared.path_url, prepared.body or b"", kind, headers=headers
        )
    return schemathesis.Response(
        status_code=answer.status_code,
        headers={name.lower(): [value] for name, value in answer.headers.items()},
        content=answer.content,
        request=prepared,
        elapsed=0.0,
        verify=False,
    )


def text(value: str | bytes) -> str:
    """A header as WSGI has it."""
    return value if isinstance(value, str) else value.decode("latin-1")


def undone() -> Any:
    """A block whose changes are taken back. To the shop it is the test's own transaction, not one of its."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined] # as Django marks its own
    return Undone(block)


class Undone:
    """See `undone`."""

    def __init__(self, block: Any) -> None:
        self.block = block

    def __enter__(self) -> None:
        self.block.__enter__()

    def __exit__(self, *raised: Any) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(*raised)
