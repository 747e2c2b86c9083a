"""No token, password or person stands in a query string: proxies, histories and logs keep those."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from checkout.tokens import UNSUBSCRIBE_PATH, restore_link, unsubscribe_link
from config.embedded import PROJECT
from core.mail import context_of
from core.mail_texts import editable, text_of
from tests import contract
from tests.security.addresses import NOBODY

SECRET = re.compile(r"token|secret|password|key|signature|email|session", re.IGNORECASE)
LINK = re.compile(r"https?://[^\s\"'<>]+")
FORM = re.compile(r"<form[^>]*method=.get[^>]*>.*?</form>", re.IGNORECASE | re.DOTALL)
READ = re.compile(r"""(?:GET|query_params)(?:\.get\(|\[)["'](\w+)["']""")


def secret_of(link: str) -> str:
    """What a link shows that a server is sent and that opens something; "" for a good one. After a `#` nothing is."""
    parts = urlsplit(link)
    long = [word for word in parts.path.split("/") if len(word) > 40 or ":" in word]
    return parts.query or ("" if parts.path.startswith(UNSUBSCRIBE_PATH) else " ".join(long))


def test_no_call_of_the_api_takes_one_in_its_query() -> None:
    asked = [
        f"{path} {parameter['name']}"
        for path, methods in contract.schema()["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and SECRET.search(parameter["name"])
    ]
    assert asked == []


def test_no_view_reads_one_from_its_query() -> None:
    found = {
        name
        for app in ("analytics", "catalog", "checkout", "core", "customers", "orders", "sessions_app", "config")
        for file in (PROJECT / app).rglob("*.py")
        for name in READ.findall(file.read_text(encoding="utf-8"))
    }
    assert "tiles" in found
    assert [name for name in found if SECRET.search(name)] == []


@pytest.mark.django_db
def test_links_of_our_mails_show_nothing_to_servers_but_the_end_of_reminders() -> None:
    links = []
    for kind, mail in editable.items():
        with override("en"):
            letter = mail.sample(text_of(kind, "en"))
            links += LINK.findall(render_to_string(f"{letter.template}.html", context_of(letter, "en")))
    assert len(links) > 5
    assert [link for link in links if secret_of(link)] == []


@pytest.mark.django_db
def test_links_with_tokens_have_them_behind_the_hash() -> None:
    links = [restore_link(NOBODY), unsubscribe_link(7)]
    assert [secret_of(link) for link in links] == ["", ""]
    assert "#restore=" in links[0]


@pytest.mark.parametrize(
    "link",
    ["https://shop.example/reset?token=abc", "https://shop.example/orders/abc:def", f"https://shop.example/{'x' * 41}"],
)
def test_control_a_link_that_shows_one_is_noticed(link: str) -> None:
    assert secret_of(link)


def test_no_form_of_ours_sends_one_in_its_address() -> None:
    forms = [
        form for page in sorted((PROJECT / "templates").rglob("*.html")) for form in FORM.findall(page.read_text())
    ]
    assert [form for form in forms if SECRET.search(form)] == []
