"""README and docs as they stand there: their blocks, their links, and what of the code they name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

from config.embedded import PROJECT

PAGES = [
    *(PROJECT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^ *(?:```|~~~)", re.M)
BLOCK = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r"^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.M | re.S,
)
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?!https?:)(?P<target>[^)#\s]*)(?:#(?P<heading>[\w-]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)
NAME = re.compile(r"`(?P<name>[A-Za-z_]\w*(?:\.\w+)?)(?:\(\))?`")
"""What a link calls by its name in the code."""
IN_SCRIPTS = r"^(?:export )?(?:async )?(?:function|const|class) {}\b"


@dataclass(frozen=True)
class Block:
    """A fenced block: where its first line is, and why it is not run, if it is marked so."""

    page: Path
    line: int
    language: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    """Its path in the project."""
    return page.relative_to(PROJECT).as_posix()


@cache
def text_of(page: Path) -> str:
    """What it says."""
    return page.read_text("utf-8")


def blocks() -> list[Block]:
    """Every block of every page."""
    return [block for page in PAGES for block in blocks_of(page, text_of(page))]


def blocks_of(page: Path, text: str) -> Iterator[Block]:
    """The blocks of a text.

    Raises:
        ValueError: a fence belongs to none.
    """
    found = list(BLOCK.finditer(text))
    if 2 * len(found) != len(FENCE.findall(text)):
        raise ValueError(f"{page}: a block that cannot be read. Blocks begin and end with ```, as far from the left.")
    for each in found:
        line = text.count("\n", 0, each.start("language")) + 1
        yield Block(page, line, each["language"], dedent(each["text"]), each["reason"] or "")


def broken_links(page: Path, text: str) -> list[str]:
    """The links to files, headings or names of the code that are not there."""
    return [found[0] for found in LINK.finditer(text) if not leads_somewhere(page, text, found)]


def leads_somewhere(page: Path, text: str, link: re.Match[str]) -> bool:
    """Whether the file is there, with that heading if one is named, and with what the link calls by name."""
    file = (page.parent / link["target"]).resolve() if link["target"] else page
    if not file.exists():
        return False
    if link["heading"]:
        return link["heading"] in anchors(text if file == page else text_of(file))
    called = NAME.fullmatch(link["text"])
    if called is None or called["name"] in (file.name, module_of(file)) or file.suffix not in (".py", ".js"):
        return True
    return has(file, called["name"])


def module_of(file: Path) -> str:
    """What Python calls it."""
    return name_of(file).removesuffix(".py").replace("/", ".") if file.is_relative_to(PROJECT) else ""


def anchors(text: str) -> set[str]:
    """The headings as links name them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def has(file: Path, name: str) -> bool:
    """Whether a source file defines this: a function, a class, `Class.method`, or a name that it gives a value."""
    if file.suffix == ".js":
        return re.search(IN_SCRIPTS.format(re.escape(name)), text_of(file), re.M) is not None
    return name in defined_in(file)


@cache
def defined_in(file: Path) -> frozenset[str]:
    """What a module defines, and its classes."""
    body = ast.parse(text_of(file)).body
    members = (f"{one.name}.{name}" for one in body if isinstance(one, ast.ClassDef) for name in names_in(one.body))
    return frozenset([*names_in(body), *members])


def names_in(body: list[ast.stmt]) -> Iterator[str]:
    """What statements define."""
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
