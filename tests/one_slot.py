"""Whatever Redis does at one go (a script, a transaction) is about keys of one slot: a cluster does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.client import Pipeline, Redis
from redis.crc import key_slot

from core import redis_scripts
from core.redis import ask

pipeline_of, transaction = Redis.pipeline, Pipeline._execute_transaction


def check_slots(keys: Sequence[Any]) -> None:
    """Fails if they are several."""
    slots = {key_slot(str(key).encode()) for key in keys}
    assert len(slots) <= 1, f"a cluster would refuse these keys together: {keys}"


def script(client: Any, *words: Any) -> Any:
    """One of ours."""
    check_slots(words[3 : 3 + words[2]])
    return ask(client, *words)


def pipeline(client: Any, *words: Any, **options: Any) -> Any:
    """One that knows whether its client is ours, which has a connection of its own: Celery's queues are elsewhere."""
    made: Any = pipeline_of(client, *words, **options)
    made.is_ours = client.connection is not None
    return made


def together(pipeline: Any, connection: Any, commands: Any, raise_on_error: bool) -> Any:
    """What is done as a whole. Each of our commands has one key, its first word."""
    if getattr(pipeline, "is_ours", False):
        check_slots([words[1] for words, _options in commands])
    return transaction(pipeline, connection, commands, raise_on_error)


def watch() -> None:
    """From now on, in this process."""
    scripts: Any = redis_scripts
    clients: Any = Redis
    pipelines: Any = Pipeline
    scripts.ask, clients.pipeline, pipelines._execute_transaction = script, pipeline, together
