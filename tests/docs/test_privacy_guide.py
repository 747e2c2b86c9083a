"""The privacy guide's tables of what is kept in browsers are those of the settings and the scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.test import Client

from analytics.dashboard.pages import REMEMBERED_SECONDS
from config.embedded import PROJECT
from core.messages import OwnCookieStorage
from customers.devices import LIFE
from sessions_app.api import CONSENT_COOKIE_SECONDS
from sessions_app.tokens import CONSENT_COOKIE, SESSION_COOKIE, VISITOR_COOKIE, VISITOR_COOKIE_SECONDS
from tests.docs.pages import text_of

PAGE = text_of(PROJECT / "docs" / "privacy.md")
COOKIES = {
    SESSION_COOKIE: timedelta(seconds=settings.VISITOR_SESSION_MAX_SECONDS),
    VISITOR_COOKIE: timedelta(seconds=VISITOR_COOKIE_SECONDS),
    CONSENT_COOKIE: timedelta(seconds=CONSENT_COOKIE_SECONDS),
    settings.SESSION_COOKIE_NAME: timedelta(seconds=settings.SESSION_COOKIE_AGE),
    settings.CSRF_COOKIE_NAME: timedelta(seconds=settings.CSRF_COOKIE_AGE),
    settings.DEVICE_COOKIE_NAME: LIFE,
    settings.DASHBOARD_COOKIE_NAME: timedelta(seconds=REMEMBERED_SECONDS),
    OwnCookieStorage.cookie_name: timedelta(),
}
GIVEN = re.compile(r"\bset_cookie\(\s*(?:\w+,\s*)?([A-Z_]+|settings\.[A-Z_]+)\b")
NAMES_IN_CODE = {
    "SESSION_COOKIE",
    "VISITOR_COOKIE",
    "CONSENT_COOKIE",
    "settings.DEVICE_COOKIE_NAME",
    "settings.DASHBOARD_COOKIE_NAME",
}
"""Those that are not Django's own."""
APPS = ("core", "catalog", "customers", "sessions_app", "orders", "checkout", "analytics", "config", "storefront")
KEPT = re.compile(r"(?:lasting|tab)\.set\(\"(\w+)\"")
LINK = re.compile(r"^  (\w+): \{ send: ", re.M)


def rows_of(head: str) -> Iterator[list[str]]:
    """The cells of the table that begins so."""
    table = PAGE.partition(head)[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def first_span(text: str) -> timedelta:
    """`24 hours at most`, `14 days from the login`."""
    found = re.match(r"(\d+) (hours|days)\b", text)
    assert found is not None, text
    return timedelta(**{found[2]: int(found[1])})


def sources(folders: tuple[str, ...], end: str) -> Iterator[str]:
    for folder in folders:
        for file in (PROJECT / folder).rglob(f"*.{end}"):
            yield file.read_text()


def test_it_tells_each_cookie_and_how_long_it_lasts() -> None:
    told = {name.strip("`"): first_span(lasts) for name, _for, lasts in rows_of("| cookie | for | lasts |")}
    assert told == COOKIES


def test_no_other_cookie_is_given_by_our_code() -> None:
    given = [name for text in sources(APPS, "py") for name in GIVEN.findall(text)]
    assert set(given) == NAMES_IN_CODE
    calls = sum(text.count("set_cookie(") for text in sources(APPS, "py"))
    assert calls == len(given) + 2  # `set_cookie` of visits, and the call in it


def test_it_tells_what_pages_keep_in_the_browser() -> None:
    shop = PROJECT / "storefront" / "static" / "storefront" / "js"
    names = {name for text in sources(("storefront",), "js") for name in KEPT.findall(text)}
    names |= {f"link-{purpose}" for purpose in LINK.findall((shop / "link-page.js").read_text())}
    told = {name for row in rows_of("| kept | by | for | until |") for name in re.findall(r"`([^`]+)`", row[0])}
    of_staff = {"footfall-keys-off", "adminTheme", "sidebarDesktopOpen"}
    assert told == {f"shop.{name}" for name in names} | {"visit"} | of_staff


def test_what_others_than_these_pages_keep_there_stands_in_the_guide_too() -> None:
    """Each place in our scripts and docs that writes to the browser's storage by its own name."""
    ours = [*sources((*APPS, "docs"), "js"), *sources(("docs",), "md"), *sources(("templates",), "html")]
    direct = [name for text in ours for name in re.findall(r"Storage\.setItem\(([^,]+),", text)]
    assert sorted(direct) == ['"visit"', "OFF"]


def test_the_tracking_script_keeps_nothing() -> None:
    text = (PROJECT / "sessions_app" / "tracker.js").read_text()
    assert not re.search(r"Storage|indexedDB|caches|\.cookie", text)


def test_control_what_a_page_gives_is_among_them(client: Client) -> None:
    client.get("/admin/login/")
    assert set(client.cookies) <= COOKIES.keys()
    assert client.cookies
