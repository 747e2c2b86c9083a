"""Scripts that Redis runs, known by their hash."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError

from core.redis import Client, ask

Word = str | bytes | int


def evaluate(client: Client, script: str, keys: Sequence[str], words: Sequence[Word]) -> Any:
    """Runs a script: by its hash, and by its text when Redis has forgotten it."""
    try:
        return ask(client, "EVALSHA", hash_of(script), len(keys), *keys, *words)
    except NoScriptError:
        return ask(client, "EVAL", script, len(keys), *keys, *words)


@cache
def hash_of(script: str) -> str:
    """The name that Redis has for a script."""
    return sha1(script.encode(), usedforsecurity=False).hexdigest()
