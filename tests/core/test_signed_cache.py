"""Who writes into Redis what the cache reads does not have it run."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from django_redis.serializers.pickle import PickleSerializer

from core import redis as core_redis
from core.signed_cache import SignedPickle


class Attack:
    """A pickle that makes a file when it is read."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.touch, (self.place,)


def planted(place: Path) -> None:
    """The attack stands in Redis in the place of an entry."""
    cache.set("figures", 1)
    (key,) = core_redis.client().keys("*figures")
    core_redis.client().set(key, pickle.dumps(Attack(place)))


def test_what_is_kept_comes_back_as_it_was() -> None:
    kept = {"day": date(2026, 3, 10), "total": Decimal("48.90"), 7: ("a", None)}
    cache.set("figures", kept, 60)
    assert cache.get("figures") == kept


def test_an_entry_that_somebody_else_wrote_is_none_and_is_not_run(tmp_path: Path) -> None:
    planted(tmp_path / "ran")
    assert cache.get("figures", "none") == "none"
    assert cache.get_or_set("figures", lambda: "worked out") == "worked out"
    assert not (tmp_path / "ran").exists()


def test_control_a_plain_pickle_is_run(tmp_path: Path) -> None:
    PickleSerializer({}).loads(pickle.dumps(Attack(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("change", [slice(0, -1), slice(1, None), slice(0, 20)])
def test_an_entry_that_was_cut_is_none(change: slice) -> None:
    serializer = SignedPickle({})
    with pytest.raises(Exception, match="ForgedEntryError"):
        serializer.loads(serializer.dumps("answer")[change])


def test_an_entry_of_another_key_is_none() -> None:
    with override_settings(SECRET_KEY="another"):
        foreign = SignedPickle({}).dumps("answer")
    with pytest.raises(Exception, match="ForgedEntryError"):
        SignedPickle({}).loads(foreign)
