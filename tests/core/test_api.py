"""The envelope: every refusal has the same shape, whatever was sent."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.http import QueryDict
from django.test import Client, override_settings
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BooleanField, CharField, DecimalField, IntegerField, ListField, UUIDField
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from core.api import field_errors
from core.errors import DomainError
from core.serializers import CamelSerializer, camel
from tests.world import Shopper

pytestmark = pytest.mark.django_db

INITIATE = "/api/v1/checkout/initiate"


class Inner(CamelSerializer):
    quantity = IntegerField()


class Typed(CamelSerializer):
    text = CharField()
    id = UUIDField()
    flag = BooleanField()
    amount = DecimalField(8, 2)


class Outer(CamelSerializer):
    cart_items = ListField(child=Inner())
    first_name = CharField()


def send(body: str | bytes, content_type: str = "application/json", **headers: str) -> Any:
    return Client().generic("POST", INITIATE, body, content_type, headers=headers)


def assert_refused(answer: Any, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, code)
    assert set(body) == {"success", "error", "message", "details", "requestId"}
    assert body["success"] is False
    assert body["message"]
    assert body["requestId"] == answer["X-Request-ID"]


@pytest.mark.parametrize(
    "body", ["", "{", "{]", '{"a": NaN}', '{"a": -Infinity}', "\x00", b"\xff\xfe", b"\xed\xa0\x80"]
)
def test_what_is_no_json_is_malformed(body: str | bytes) -> None:
    assert_refused(send(body), 400, "INVALID_INPUT" if body == "" else "MALFORMED_JSON")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_too_deep_is_malformed(opening: str) -> None:
    answer = send(opening * 20_000)
    assert_refused(answer, 400, "MALFORMED_JSON")
    assert answer.json()["message"] == send("{").json()["message"]


@pytest.mark.parametrize("charset", ["rot13", "hex", "zlib", "utf-16", "utf-7", "nothing", "idna", "undefined"])
def test_json_in_another_encoding_is_no_bug_of_ours(charset: str) -> None:
    answer = send('{"cartItems": []}', f"application/json; charset={charset}")
    assert answer.status_code in (400, 415), answer.content


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_another_media_type_is_refused(content_type: str) -> None:
    assert_refused(send("{}", content_type), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_of_10_mb_is_refused() -> None:
    assert_refused(send(json.dumps({"cartItems": [], "filler": "x" * 10_000_000})), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("body", ["[]", "1", '"text"', "null", "true"])
def test_json_that_is_no_object_is_invalid(body: str) -> None:
    assert_refused(send(body), 400, "INVALID_INPUT")


@pytest.mark.parametrize("path", ["storefront/products", "orders", "storefront/session/current"])
def test_more_parameters_than_anybody_needs_are_invalid(path: str) -> None:
    assert_refused(Client().get(f"/api/v1/{path}?{'a=1&' * 1001}"), 400, "INVALID_INPUT")


def test_an_unknown_path_is_not_found_in_the_envelope() -> None:
    assert_refused(Client().get("/api/v1/nothing"), 404, "NOT_FOUND")


def test_a_trailing_slash_is_another_path() -> None:
    assert_refused(Client().get("/api/v1/storefront/products/"), 404, "NOT_FOUND")


def test_a_wrong_method_is_refused_in_the_envelope() -> None:
    answer = Client().delete(INITIATE)
    assert_refused(answer, 405, "METHOD_NOT_ALLOWED")


def test_a_host_that_is_not_ours_is_refused_in_the_envelope() -> None:
    with override_settings(ALLOWED_HOSTS=["shop.example"]):
        assert_refused(
            Client().get("/api/v1/storefront/products", headers={"host": "evil.example"}), 400, "INVALID_INPUT"
        )


def test_a_sane_request_id_is_kept() -> None:
    answer = Client().get("/api/v1/nothing", headers={"x-request-id": "abc-123.DEF_456"})
    assert answer["X-Request-ID"] == answer.json()["requestId"] == "abc-123.DEF_456"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space in it", "new\nline12345", "tür-öffner", ""])
def test_another_request_id_is_replaced(given: str) -> None:
    answer = Client().get("/api/v1/nothing", headers={"x-request-id": given})
    assert answer["X-Request-ID"] != given
    assert len(answer["X-Request-ID"]) == 32


def test_messages_follow_the_language_asked_for() -> None:
    shopper = Shopper()
    english, vietnamese = (
        shopper.get("/orders/00000000-0000-0000-0000-000000000000", **{"accept-language": language}).json()["message"]
        for language in ("en", "vi")
    )
    assert english == "There is no such order."
    assert vietnamese != english


class BrokenView(APIView):
    """Raises what it is told to."""

    raises = Exception()

    def get(self, request: Request) -> Response:
        raise self.raises


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ZeroDivisionError("secret"), 500, "INTERNAL_ERROR"),
        (OperationalError("secret"), 503, "NOT_READY"),
        (DomainError(_("Plain words.")), 400, "INVALID_INPUT"),
    ],
)
def test_a_bug_is_answered_without_its_trace(error: Exception, status: int, code: str) -> None:
    answer = BrokenView.as_view(raises=error)(APIRequestFactory().get("/"))
    assert (answer.status_code, answer.data["error"]) == (status, code)
    assert "secret" not in str(answer.data)


@pytest.mark.parametrize(
    ("name", "outside"), [("unit_price", "unitPrice"), ("id", "id"), ("address_line1", "addressLine1")]
)
def test_names_are_camel_case_outside(name: str, outside: str) -> None:
    assert camel(name) == outside


def test_errors_are_named_by_their_path_in_the_body() -> None:
    given = Outer(data={"cartItems": [{"quantity": 1}, {"quantity": "x"}]})
    given.is_valid()
    errors = field_errors(given.errors)
    assert list(errors) == ["cartItems.1.quantity", "firstName"]
    assert all(isinstance(text, str) for texts in errors.values() for text in texts)


MISTYPED: list[tuple[str, Any]] = [
    ("text", 12345), ("text", 1.5), ("text", True), ("text", ["x"]), ("text", {}),
    ("id", 7), ("flag", "yes"), ("flag", 1), ("amount", True),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), MISTYPED)
def test_a_value_of_another_type_is_refused(field: str, value: Any) -> None:
    given = Typed(data={"text": "x", "id": str(uuid4()), "flag": False, "amount": "1.50"} | {field: value})
    assert not given.is_valid()
    assert list(given.errors) == [field]


def test_what_stands_in_an_address_is_text_and_read_as_what_it_says() -> None:
    query = QueryDict(f"text=1&id={uuid4()}&flag=1&amount=1.5")
    given = Typed(data=query)
    assert given.is_valid(), given.errors
    assert given.validated_data["flag"] is True


class Shelf(CamelSerializer):
    name = CharField()
    row_number = IntegerField(default=1)
    note = CharField(allow_null=True)
    secret = CharField(write_only=True)


@pytest.mark.parametrize(
    ("shelf", "number"),
    [({"name": "A", "row_number": 2, "note": None}, 2), ({"name": "A", "note": None}, 1)],
    ids=["all is there", "one takes its default"],
)
def test_a_dictionary_is_shown_by_the_fields_of_its_serializer(shelf: dict[str, Any], number: int) -> None:
    assert Shelf(shelf | {"secret": "x", "more": "y"}).data == {"name": "A", "rowNumber": number, "note": None}
