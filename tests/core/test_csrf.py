"""Whose pages may act for whoever is logged in."""

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from core.csrf import comes_from_elsewhere

SHOP = "https://shop.example.com"


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [(SHOP, False), ("http://testserver", False), ("https://testserver", True), ("http://shop.example.com", True),
     (f"{SHOP}:8443", True), (f"{SHOP}.evil.example", True), ("null", True), ("", True)],
)  # fmt: skip
def test_ours_and_the_shops_origins_are_no_others(settings: LazySettings, origin: str, foreign: bool) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    assert comes_from_elsewhere(RequestFactory().post("/", headers={"origin": origin})) is foreign


def test_what_names_no_origin_is_no_foreign_page() -> None:
    assert not comes_from_elsewhere(RequestFactory().post("/"))
