"""Requests that go another way than through all of the middleware."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client, RequestFactory

from config.lanes import LanesHandler
from tests.browsers import CHROME

TRACK = "/api/v1/analytics/track"
VIEW = '{"eventType": "page_view", "page": "/"}'


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_is_answered_whatever_host_it_asks_for(settings: LazySettings, path: str) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/storefront/products", "/api/v1/orders"])
def test_other_paths_keep_to_our_hosts(settings: LazySettings, path: str) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert Client().get(path, headers={"host": "10.0.0.7:8000"}).status_code == 400


OF_PAGES = ("Cross-Origin-Opener-Policy", "Referrer-Policy", "X-Frame-Options")
"""Django's own middleware says them of everything on the long way; of data they mean nothing."""


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/orders/no-such-path"], ids=["view", "no view"])
def test_shopping_is_answered_with_the_same_headers_with_and_without_a_login(path: str) -> None:
    short = Client(headers={"accept-language": "vi"}).get(path)
    shown = Client(headers={"accept-language": "vi", "cookie": f"{django_settings.SESSION_COOKIE_NAME}=ended"})
    long = shown.get(path)
    unequal = {"X-Request-ID", "Content-Length", "X-RateLimit-Reset", "Vary", *OF_PAGES}
    assert {name: short[name] for name in short.headers if name not in unequal} == {
        name: long[name] for name in long.headers if name not in unequal
    }
    assert set(long["Vary"].split(", ")) <= set(short["Vary"].split(", "))


@pytest.mark.django_db
def test_a_refusal_while_shopping_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    Client().get("/api/v1/orders/no-such-path")
    assert "Not Found: /api/v1/orders/no-such-path" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_tracking_is_posted(method: str) -> None:
    assert getattr(Client(), method)(TRACK).status_code == 405


@pytest.mark.django_db
def test_tracking_carries_a_request_id_and_the_cookie() -> None:
    answer = Client(headers={"user-agent": CHROME}).post(
        TRACK, VIEW, content_type="application/json", headers={"x-request-id": "given-by-proxy"}
    )
    assert answer["X-Request-ID"] == "given-by-proxy"
    assert "visitor_session" in answer.cookies


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://shop.example", "https://shop.example"), ("https://evil.example", None), ("http://testserver", None)],
    ids=["listed", "foreign", "own"],
)
def test_a_listed_origin_may_track_and_no_other_may_read_the_answer(
    settings: LazySettings, origin: str, allowed: str | None
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    answer = Client().post(TRACK, VIEW, content_type="application/json", headers={"origin": origin})
    assert answer.status_code == 202
    assert answer.get("Access-Control-Allow-Origin") == allowed


@pytest.mark.django_db
@pytest.mark.parametrize("path", [TRACK, "/api/v1/orders"])
@pytest.mark.parametrize("origin", ["https://shop.example", "https://testserver"], ids=["host", "scheme"])
def test_a_listed_origin_of_another_host_or_scheme_may_read_the_answer(
    settings: LazySettings, path: str, origin: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin]
    answer = Client().get(path, headers={"origin": origin})
    assert answer["Access-Control-Allow-Origin"] == origin
    assert answer["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.django_db
def test_a_browser_is_told_before_it_tracks_as_json_from_elsewhere(settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = Client().options(TRACK, headers=asked)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "https://shop.example")


@pytest.mark.django_db
def test_tracking_is_sent_to_https_as_all_else(settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().post(TRACK, VIEW, content_type="application/json").status_code == 301


class Answer:
    """What the web process answers, as a web server hears it."""

    def __init__(self, path: str, body: str, content_type: str = "application/json") -> None:
        request = RequestFactory(headers={"user-agent": CHROME}).post(path, body, content_type="application/json")
        environ = request.environ | {"CONTENT_TYPE": content_type}
        self.body = b"".join(LanesHandler()(environ, self.start))

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        self.status, self.headers = status, headers


@pytest.mark.django_db
def test_the_web_process_answers_with_status_length_and_cookie() -> None:
    answer = Answer(TRACK, VIEW)
    assert answer.status == "202 Accepted"
    assert answer.body == b'{"accepted": 1, "rejected": []}'
    assert ("Content-Length", str(len(answer.body))) in answer.headers
    assert any(name == "Set-Cookie" and value.startswith("visitor_session=") for name, value in answer.headers)


@pytest.mark.django_db(transaction=True)
def test_the_web_process_gives_its_connection_back_after_tracking_into_postgresql(
    settings: LazySettings,
) -> None:
    settings.EVENT_STREAM_LIMIT = 0
    answer = Answer(TRACK, VIEW)
    assert answer.status == "202 Accepted"
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
def test_the_web_process_gives_its_connection_back_after_a_checkout() -> None:
    cart = f'{{"cartItems": [{{"productId": "{uuid4()}", "quantity": 1}}]}}'
    assert Answer("/api/v1/checkout/initiate", cart).status == "400 Bad Request"
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [TRACK, "/api/v1/checkout/initiate"])
def test_a_content_type_that_cannot_be_read_is_refused(path: str) -> None:
    answer = Answer(path, VIEW, "application/json; charset*=nobody-knows''x")
    assert answer.status.startswith("415")
    assert b'"UNSUPPORTED_MEDIA_TYPE"' in answer.body
