"""README and docs: their links lead somewhere; the commands, addresses and settings that they name are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from config.embedded import PROJECT
from tests.docs.pages import PAGES, broken_links, name_of, text_of

OPS = PROJECT / "docs" / "ops.md"
OUR_APPS = {"core", "catalog", "customers", "sessions_app", "orders", "checkout", "analytics", "config"}
SPAN = re.compile(r"`([^`\n]+)`")
SETTING = re.compile(r"env(?:\.\w+)?\(\s*\"([A-Z_]+)\"|required\(\"([A-Z_]+)\"")
COMMAND = re.compile(r"(?:make manage CMD=\"|(?:python )?manage\.py )?(?P<name>[a-z]\w+)(?P<rest>(?: .*)?)")


ADDRESS = re.compile(r"(?:[A-Z]+ )?(?:PUBLIC_URL)?(?P<path>/[a-z][^\s?#]*)(?:[?#]\S*)?")
ON_DISK = re.compile("/(?:backups|dev|etc|home|opt|proc|root|run|srv|tmp|usr|var)(?:/|$)")
PREFIXES = {"/api/v1/"}
LAST_RESORT = "(?P<url>"
"""Of the admin, which answers 404 to all that it does not know."""


def is_somewhere(path: str) -> bool:
    """Whether an address leads to a view, with or without what all of the API have in front."""
    filled = re.sub(r"[{<][\w ]+[}>]", str(uuid4()), path)
    return path in PREFIXES or any(leads_to_a_view(found) for found in (filled, f"/api/v1{filled}", f"{filled}/"))


def leads_to_a_view(path: str) -> bool:
    """Whether it does."""
    try:
        return LAST_RESORT not in resolve(path).route
    except Resolver404:
        return False


@cache
def options_of(command: str) -> frozenset[str]:
    """The options that a management command has."""
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    return frozenset(option for action in parser._actions for option in action.option_strings)


@cache
def targets() -> frozenset[str]:
    """What `make` makes."""
    return frozenset(re.findall(r"^([a-z]+):", text_of(PROJECT / "Makefile"), re.M))


def wrong(span: str) -> str:
    """What is wrong with a command that stands in a sentence; empty if nothing is, or if it is none."""
    words = span.split()
    if words[0] == "make" and len(words) > 1 and re.fullmatch("[a-z]+", words[1]) and words[1] not in targets():
        return f"make {words[1]}"
    found = COMMAND.fullmatch(span)
    if found is None:
        return ""
    name = found["name"]
    if name not in get_commands():
        return f"manage.py {name}" if "manage" in span.partition(name)[0] else ""
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", found["rest"]))
    return f"{name} {' '.join(sorted(named - options_of(name)))}" if named - options_of(name) else ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_its_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page, text_of(page)) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_the_commands_that_it_names_are_there_with_their_options(page: Path) -> None:
    assert [problem for span in SPAN.findall(text_of(page)) if (problem := wrong(span))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_addresses_that_it_names_are_there(page: Path) -> None:
    paths = [found["path"] for span in SPAN.findall(text_of(page)) if (found := ADDRESS.fullmatch(span))]
    assert [path for path in paths if not ON_DISK.match(path) and not is_somewhere(path)] == []


def test_every_command_of_ours_stands_in_the_ops_guide() -> None:
    ours = {name for name, app in get_commands().items() if app in OUR_APPS}
    table = text_of(OPS).partition("\n## Commands\n")[2]
    assert sorted(name for name in ours if f"`{name}" not in table) == []


def test_everything_that_make_makes_stands_in_the_readme() -> None:
    readme = text_of(PROJECT / "README.md")
    assert sorted(name for name in targets() - {"help", "python"} if f"make {name}" not in readme) == []


def test_every_setting_stands_in_the_example() -> None:
    read = {one or other for one, other in SETTING.findall(text_of(PROJECT / "config" / "settings.py"))}
    assert len(read) > 50
    example = set(re.findall(r"^#?([A-Z_]+)=", text_of(PROJECT / ".env.example"), re.M))
    assert sorted(read - example) == []


# Controls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "[a file](nothing.md)",
        "[a heading](ops.md#nothing)",
        "[here](#nothing)",
        "[`nothing`](../orders/services/placing.py)",
        "[`OrderDraft.nothing`](../orders/services/placing.py)",
        "[`core.nothing`](../core/clock.py)",
        "[`nothing()`](../storefront/static/storefront/js/confirm.js)",
    ],
)
def test_control_a_link_to_nothing_is_noticed(link: str) -> None:
    assert broken_links(OPS, f"# Here\n\nSee {link}.\n") == [link]


@pytest.mark.parametrize(
    "link",
    [
        "[a heading](events.md#webhooks)",
        "[here](#here)",
        "[elsewhere](https://example.com/nothing)",
        "[`place_order`](../orders/services/placing.py)",
        "[`OrderDraft.lines`](../orders/services/placing.py)",
        "[`placeOrder()`](../storefront/static/storefront/js/confirm.js)",
        "[`placing.py`](../orders/services/placing.py)",
        "[`core.clock`](../core/clock.py)",
    ],
)
def test_a_link_to_something_is_none(link: str) -> None:
    assert broken_links(OPS, f"# Here\n\nSee {link}.\n") == []


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        ("make tset", "make tset"),
        ("manage.py clean_up", "manage.py clean_up"),
        ("cleanup [--dry-ran] [--json]", "cleanup --dry-ran"),
        ('make manage CMD="cleanup --dry-ran"', "cleanup --dry-ran"),
        ("make run", ""),
        ("cleanup [--dry-run]", ""),
        ("cart", ""),
    ],
)
def test_control_a_command_that_is_not_there_is_noticed(span: str, problem: str) -> None:
    assert wrong(span) == problem


@pytest.mark.parametrize("path", ["/api/v1/order", "/orders/{orderId}/refund", "/admin/nothing/", "/metric"])
def test_control_an_address_that_is_not_there_is_noticed(path: str) -> None:
    assert not is_somewhere(path)
