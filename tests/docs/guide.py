"""Reads docs/storefront.md: its requests with the answers that it shows, and its snippets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import contract
from tests.browsers import CHROME

GUIDE = Path(__file__).parents[2] / "docs" / "storefront.md"
API = "https://api.example.com"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
NAME = re.compile(r"\{(\w+)\}")
ANYTHING = "..."
STATUS = "HTTP/1.1 "

Known = dict[str, str]


@dataclass(frozen=True)
class Message:
    """The first line of a request or an answer, headers, and the body as it stands there."""

    first: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def read(cls, lines: list[str]) -> Message:
        """From the lines of a block; the body begins with the first that begins with a brace."""
        begin = next((number for number, line in enumerate(lines) if line.startswith("{")), len(lines))
        headers = [line.split(": ", 1) for line in lines[1:begin]]
        return cls(lines[0], [(name, value) for name, value in headers], "\n".join(lines[begin:]))


@dataclass(frozen=True)
class Exchange:
    """A request of the guide, and what it shows of the answer."""

    line: int
    request: Message
    answer: Message


@dataclass(frozen=True)
class Happening:
    """What somebody else does between two requests: `# The shopper pays.`"""

    what: str


def text() -> str:
    """The guide."""
    return GUIDE.read_text(encoding="utf-8")


def snippets(language: str) -> list[str]:
    """The code of a language, as it stands there."""
    return [found["text"] for found in BLOCK.finditer(text()) if found["language"] == language]


def snippet(language: str, holding: str) -> str:
    """The one snippet with these words."""
    (found,) = (code for code in snippets(language) if holding in code)
    return found


def story() -> Iterator[Exchange | Happening]:
    """Requests and happenings in the order of the guide. Blank lines part the requests of a block."""
    whole = text()
    for found in BLOCK.finditer(whole):
        if found["language"] != "http":
            continue
        line = whole.count("\n", 0, found.start("text")) + 1
        for part in found["text"].split("\n\n"):
            lines = part.strip().split("\n")
            yield Happening(lines[0]) if lines[0].startswith("# ") else exchange(lines, line)
            line += part.count("\n") + 2


def exchange(lines: list[str], line: int) -> Exchange:
    """A request and, from the line that begins with `HTTP/1.1`, what is shown of its answer."""
    (begin,) = (number for number, text in enumerate(lines) if text.startswith(STATUS))
    answer = [lines[begin].removeprefix(STATUS), *lines[begin + 1 :]]
    return Exchange(line, Message.read(lines[:begin]), Message.read(answer))


def exchanges() -> list[Exchange]:
    """The requests."""
    return [step for step in story() if isinstance(step, Exchange)]


def filled(template: str, known: Mapping[str, str]) -> str:
    """The text with its `{name}`s replaced.

    Raises:
        KeyError: no answer before has shown this name.
    """
    return NAME.sub(lambda found: known[found[1]], template)


@dataclass(frozen=True)
class Answer:
    """What the shop says."""

    status: int
    headers: HTTPMessage
    body: bytes


def send(base: str, message: Message, known: Known) -> Answer:
    """Makes a request of the guide."""
    method, path = filled(message.first, known).split(" ")
    usual = {"User-Agent": CHROME} | ({"Content-Type": "application/json"} if message.body else {})
    headers = usual | {name: filled(value, known) for name, value in message.headers}
    connection = HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        connection.request(method, path, filled(message.body, known).encode(), headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def check(exchange: Exchange, answer: Answer, known: Known) -> None:
    """The answer has what the guide shows of it. Names that are new are known from now on."""
    shown, where = exchange.answer, f"line {exchange.line}, {exchange.request.first}"
    assert answer.status == int(shown.first), f"{where}: {answer.status} {answer.body!r}"
    for name, value in shown.headers:
        values = answer.headers.get_all(name, [])
        assert any(begins(value, each, known) for each in values), f"{where}: {name} is {values}"
    if shown.body:
        compare(json.loads(shown.body), json.loads(answer.body), known, where)


def differences(message: Message, answer: Answer, known: Known) -> list[str]:
    """Where an answer is not as the API's schema says, which has no preflights."""
    method, address = filled(message.first, known).split(" ")
    if method == "OPTIONS":
        return []
    path = urlsplit(address).path.removeprefix(contract.PREFIX)
    return contract.differences(method, path, answer.status, json.loads(answer.body))


def begins(shown: str, value: str, known: Known) -> bool:
    """Whether a header's value begins with what is shown."""
    name = NAME.search(shown)
    if name is None or name[1] in known:
        return value.startswith(filled(shown, known))
    found = re.match(re.escape(shown[: name.start()]) + "([^;]+)", value)
    if found:
        known[name[1]] = found[1]
    return found is not None


def compare(shown: Any, value: Any, known: Known, where: str) -> None:
    """Members that are shown are there; lists are as long; `{name}` is what it was before."""
    match shown:
        case dict() if shown:
            assert isinstance(value, dict), f"{where}: {value!r}"
            for name, inner in shown.items():
                assert name in value, f"{where}.{name}: not in {sorted(value)}"
                compare(inner, value[name], known, f"{where}.{name}")
        case list():
            assert isinstance(value, list), f"{where}: {value!r}"
            assert len(shown) == len(value), f"{where}: {value!r}"
            for index, inner in enumerate(shown):
                compare(inner, value[index], known, f"{where}.{index}")
        case str() if name := NAME.fullmatch(shown):
            assert value == known.setdefault(name[1], value), f"{where}: {value!r}"
        case _:
            assert shown in (ANYTHING, value), f"{where}: {value!r}"
