"""The pages as Django serves them: the same for everybody, and safe under a strict policy."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.urls("tests.storefront.urls")

PAGES = [
    "/shop/",
    "/shop/products/mug",
    "/shop/cart",
    "/shop/checkout",
    "/shop/orders/00000000-0000-0000-0000-0000000007d0",
]
SCRIPTS = Path(str(finders.find("storefront/js/api.js"))).parent


def html(client: Client, page: str) -> str:
    response = client.get(page)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_page_names_its_language_title_and_main_part(client: Client, page: str) -> None:
    text = html(client, page)
    assert '<html lang="en">' in text
    assert re.search(r'<title data-i18n="title\w+"', text)
    assert text.count("<h1") == 1
    assert '<main id="content"' in text
    assert text.count("<main") == 1


@pytest.mark.parametrize("page", PAGES)
def test_page_has_no_inline_script_or_style(client: Client, page: str) -> None:
    text = html(client, page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "<style" not in text
    assert not re.search(r"\s(style|on\w+)=", text)


@pytest.mark.parametrize("page", PAGES)
def test_page_asks_nothing_from_elsewhere(client: Client, page: str) -> None:
    assert not re.search(r'(src|href)="(https?:)?//', html(client, page))


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(client: Client, page: str) -> None:
    named = re.findall(r'"/static/([^"]+)"', html(client, page))
    assert named
    assert [name for name in named if finders.find(name) is None] == []


@pytest.mark.parametrize("page", PAGES)
def test_policy_allows_own_scripts_only(client: Client, page: str) -> None:
    policy = client.get(page)["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_tracker_is_one_line_before_the_modules(client: Client) -> None:
    text = html(client, "/shop/")
    assert text.count('<script defer src="/tracker.js"></script>') == 1
    assert text.index("/tracker.js") < text.index('type="module"')


def test_every_field_has_its_label_and_a_place_for_its_error(client: Client) -> None:
    text = html(client, "/shop/checkout")
    fields = re.findall(r'<(?:input|select) id="([\w-]+)"', text)
    assert len(fields) == 11
    for name in fields:
        assert f'<label for="{name}"' in text
        assert f'id="{name}-error"' in text


def test_slug_is_escaped_in_the_page(client: Client) -> None:
    assert 'data-slug="&quot;&gt;&lt;b&gt;"' in html(client, '/shop/products/">%3Cb>')


def test_order_page_wants_an_id(client: Client) -> None:
    assert client.get("/shop/orders/not-an-id").status_code == 404


def keys(language: str) -> set[str]:
    text = (SCRIPTS / f"messages-{language}.js").read_text()
    found = re.findall(r"^  (\w+):", text, re.M)
    assert len(found) == len(set(found))
    return {key for key in found if not key.endswith("_one")}


def test_every_sentence_is_said_in_both_languages() -> None:
    assert keys("en") == keys("vi")


def test_every_key_that_a_page_names_has_its_sentence(client: Client) -> None:
    named = {key for page in PAGES for key in re.findall(r'data-i18n(?:-label)?="(\w+)"', html(client, page))}
    assert named - keys("en") == set()


def test_every_key_that_a_script_names_has_its_sentence() -> None:
    named = {key for file in SCRIPTS.glob("*.js") for key in re.findall(r'\bt\("(\w+)"', file.read_text())}
    assert len(named) > 40
    assert named - keys("en") == set()


def test_scripts_are_short() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in SCRIPTS.glob("*.js")}
    assert [name for name, length in lengths.items() if length >= 250] == []


@pytest.mark.parametrize("kind", ["mug", "teapot", "lamp", "notebook", "candle", "scarf", "plant-pot", "clock"])
def test_pictures_are_drawn_here(kind: str) -> None:
    picture = Path(str(finders.find(f"storefront/products/{kind}.svg"))).read_text()
    assert "href" not in picture
    assert len(picture) < 5000
