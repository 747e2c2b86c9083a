"""Rendered answers in Redis, believed only under the version that PostgreSQL says now.

Nothing is ever invalidated, so nothing can be forgotten to be. Whoever reads asks PostgreSQL who may see a thing and
which version it has; a body of another version is as good as none (docs/decisions/0009).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from core import measured
from core import redis as core_redis
from core.redis import RedisAwayError

Body = dict[str, Any]
Rendered = Mapping[UUID, tuple[str, Body]]
"""Body and version by id, both of one snapshot of the database."""


def bodies(
    kind: str,
    versions: Mapping[UUID, str],
    *,
    render: Callable[[Sequence[UUID]], Rendered],
    seconds: int,
) -> dict[UUID, Body]:
    """The bodies of these things at these versions or newer: kept ones, the others rendered and kept for `seconds`.

    What `render` no longer finds is left out. With Redis away everything is rendered.
    """
    found = recall(kind, versions)
    measured.looked_up(kind, found=len(found), missed=len(versions) - len(found))
    if missing := [id_ for id_ in versions if id_ not in found]:
        rendered = render(missing)
        keep(kind, rendered, seconds=seconds)
        found |= {id_: body for id_, (_version, body) in rendered.items()}
    return found


def recall(kind: str, versions: Mapping[UUID, str]) -> dict[UUID, Body]:
    """What Redis holds of these very versions."""
    if not versions:
        return {}
    try:
        held = core_redis.call(lambda client: core_redis.many(client, keys(kind, versions)))
    except RedisAwayError:
        return {}
    kept = {id_: json.loads(text) for id_, text in zip(versions, held, strict=True) if text}
    return {id_: body for id_, (version, body) in kept.items() if version == versions[id_]}


def keep(kind: str, rendered: Rendered, *, seconds: int) -> None:
    """Keeps each body beside its version, in place of the one before."""
    if not rendered:
        return

    def write(client: core_redis.Client) -> None:
        with client.pipeline(transaction=False) as pipeline:
            for key, entry in zip(keys(kind, rendered), rendered.values(), strict=True):
                pipeline.set(key, json.dumps(entry), ex=seconds)
            pipeline.execute()

    try:
        core_redis.call(write)
    except RedisAwayError:
        return  # the next read renders it again


def keys(kind: str, ids: Iterable[UUID]) -> list[str]:
    """One key a thing. Another release may show it otherwise, so it has keys of its own."""
    return [f"read:{settings.VERSION}:{kind}:{id_.hex}" for id_ in ids]
