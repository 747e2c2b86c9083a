"""The pages as Django serves them: the same for everybody, and safe under a strict policy."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.urls("tests.storefront.urls")

PAGES = [
    "/shop/",
    "/shop/products/mug",
    "/shop/cart",
    "/shop/checkout",
    "/shop/orders",
    "/shop/orders/00000000-0000-0000-0000-0000000007d0",
    "/shop/orders/00000000-0000-0000-0000-0000000007d0/invoice",
    *(f"/shop/account{page}" for page in ("", "/addresses", "/data", "/login", "/register", "/forgotten")),
    *("/shop/account/verify", "/shop/account/reset"),
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
    assert len(fields) == 12
    for name in fields:
        assert f'<label for="{name}"' in text
        assert f'id="{name}-error"' in text


def test_slug_is_escaped_in_the_page(client: Client) -> None:
    assert 'data-slug="&quot;&gt;&lt;b&gt;"' in html(client, '/shop/products/">%3Cb>')


def test_order_page_wants_an_id(client: Client) -> None:
    assert client.get("/shop/orders/not-an-id").status_code == 404


def sentences(language: str) -> str:
    return "".join((SCRIPTS / f"messages{part}-{language}.js").read_text() for part in ("", "-account"))


def keys(language: str) -> set[str]:
    found = re.findall(r"^  (\w+):", sentences(language), re.M)
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


def test_every_code_of_the_guide_has_its_sentence() -> None:
    table = (
        (Path(__file__).parents[2] / "docs/storefront.md").read_text().split("## 8. Errors")[1].split("**Limits.**")[0]
    )
    codes = {
        code for row in re.findall(r"^\|[^|]+\|([^|]+)\|", table, re.M) for code in re.findall(r"`([A-Z_]+)`", row)
    }
    of_the_tracker = {"RESERVED_EVENT"}
    assert len(codes) > 25
    assert {f"error_{code}" for code in codes - of_the_tracker} - keys("en") == set()


class Words(HTMLParser):
    """Collects words of a page that no translation replaces."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.untranslated: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "input", "img"}:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        own_language = any("lang" in attrs for tag, attrs in self.open if tag != "html")
        if data.strip() and not own_language and not any("data-i18n" in attrs for _tag, attrs in self.open):
            self.untranslated.append(data.strip())


@pytest.mark.parametrize("page", PAGES)
def test_page_has_no_words_in_one_language_only(client: Client, page: str, settings: LazySettings) -> None:
    settings.SHOP_NAME = "The shop"
    words = Words()
    words.feed(html(client, page).replace("<!doctype html>", ""))
    assert set(words.untranslated) <= {"The shop", "1", "2", "3"}


@pytest.mark.parametrize("page", PAGES)
def test_words_of_the_page_are_those_of_the_messages(client: Client, page: str) -> None:
    """What a browser without scripts shows is no other English."""
    said = dict(re.findall(r'^  (\w+): "(.*)",$', sentences("en"), re.M))
    shown = re.findall(r'data-i18n="(\w+)"[^>]*>([^<]+)<', html(client, page).split("</head>")[1])
    assert [(key, text) for key, text in shown if key in said and unescape(text) != said[key]] == []


def test_scripts_are_short() -> None:
    lengths = {file.name: len(file.read_text().splitlines()) for file in SCRIPTS.glob("*.js")}
    assert [name for name, length in lengths.items() if length >= 250] == []


@pytest.mark.parametrize("kind", ["mug", "teapot", "lamp", "notebook", "candle", "scarf", "plant-pot", "clock"])
def test_pictures_are_drawn_here(kind: str) -> None:
    picture = Path(str(finders.find(f"storefront/products/{kind}.svg"))).read_text()
    assert "href" not in picture
    assert len(picture) < 5000
