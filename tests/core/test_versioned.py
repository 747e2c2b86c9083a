"""Kept bodies are believed under their own version only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings

from core import measured
from core import redis as core_redis
from core.measured import Lookups
from core.versioned import Rendered, bodies, keys

ONE, TWO = uuid4(), uuid4()


class Shelf:
    """Things that can be rendered, and which were."""

    def __init__(self, **versions: str) -> None:
        self.versions = {ONE: versions.get("one", "1"), TWO: versions.get("two", "1")}
        self.rendered: list[UUID] = []

    def render(self, ids: Sequence[UUID]) -> Rendered:
        self.rendered += ids
        return {id_: (self.versions[id_], {"at": self.versions[id_]}) for id_ in ids if id_ in self.versions}

    def read(self, *ids: UUID, kind: str = "things") -> list[str]:
        wanted = {id_: self.versions.get(id_, "gone") for id_ in ids}
        found = bodies(kind, wanted, render=self.render, seconds=60)
        return [found[id_]["at"] for id_ in ids if id_ in found]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def redis_away() -> Iterator[None]:
    core_redis.breaker.closed_after = float("inf")
    yield
    core_redis.breaker.closed_after = 0.0


def test_a_version_is_rendered_once(shelf: Shelf) -> None:
    assert [shelf.read(ONE), shelf.read(ONE)] == [["1"], ["1"]]
    assert shelf.rendered == [ONE]


def test_another_version_is_rendered_anew(shelf: Shelf) -> None:
    shelf.read(ONE, TWO)
    shelf.versions[ONE] = "2"
    assert shelf.read(ONE, TWO) == ["2", "1"]
    assert shelf.rendered == [ONE, TWO, ONE]


def test_a_body_newer_than_asked_for_is_kept_under_its_own_version(shelf: Shelf) -> None:
    bodies("things", {ONE: "0"}, render=shelf.render, seconds=60)
    shelf.read(ONE)
    assert shelf.rendered == [ONE]


def test_kinds_are_apart(shelf: Shelf) -> None:
    shelf.read(ONE)
    shelf.read(ONE, kind="others")
    assert shelf.rendered == [ONE, ONE]


def test_what_is_gone_is_left_out(shelf: Shelf) -> None:
    del shelf.versions[TWO]
    assert shelf.read(ONE, TWO) == ["1"]


def test_nothing_is_asked_for_nothing(shelf: Shelf) -> None:
    assert shelf.read() == []
    assert not shelf.rendered


@pytest.mark.usefixtures("redis_away")
def test_with_redis_away_everything_is_rendered(shelf: Shelf) -> None:
    assert [shelf.read(ONE), shelf.read(ONE)] == [["1"], ["1"]]
    assert shelf.rendered == [ONE, ONE]


def test_it_is_not_kept_longer_than_said(shelf: Shelf) -> None:
    shelf.read(ONE)
    assert 50 < core_redis.client().ttl(keys("things", [ONE])[0]) <= 60


def test_another_release_renders_for_itself(shelf: Shelf, settings: LazySettings) -> None:
    shelf.read(ONE)
    settings.VERSION = "99"
    shelf.read(ONE)
    assert shelf.rendered == [ONE, ONE]


def test_how_many_were_kept_is_counted(shelf: Shelf) -> None:
    kind = uuid4().hex
    shelf.read(ONE, kind=kind)
    shelf.read(ONE, TWO, kind=kind)
    assert measured.lookups()[kind] == Lookups(found=1, missed=2)
