"""Requests that go another way than through all of the middleware."""

import pytest
from django.conf import LazySettings
from django.test import Client

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
def test_other_paths_keep_to_our_hosts(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert Client().get("/api/v1/storefront/products", headers={"host": "10.0.0.7:8000"}).status_code == 400


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
def test_a_browser_is_told_before_it_tracks_as_json_from_elsewhere(settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = Client().options(TRACK, headers=asked)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "https://shop.example")


@pytest.mark.django_db
def test_tracking_is_sent_to_https_as_all_else(settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().post(TRACK, VIEW, content_type="application/json").status_code == 301
