"""Servers of the benchmarks' own: embedded PostgreSQL and Valkey with durability on, and a database made anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
import psycopg
import redis
from django.core.management import call_command
from django.db import connections
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from config import embedded
from config.run import only_run

DATABASE = "footfall_bench"
REDIS_DATABASE = 9
LOADING_SECONDS = 60


@contextmanager
def servers() -> Iterator[None]:
    """Both servers for the length of a `with` block, Django set up on them and the tables made.

    They live in var/bench (FOOTFALL_HOME names another home), and what is written goes to a database of this name
    and to a Redis database of its own: the shop of `make run` is not touched, even if its home were named.

    Raises:
        EmbeddedError: they do not start; the text says what to do.
    """
    os.environ["FOOTFALL_HOME"] = os.environ.get("FOOTFALL_HOME") or str(embedded.PROJECT / "var" / "bench")
    os.environ |= {"FOOTFALL_ENV": "development", "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
    with only_run(), embedded.running(durable=True):
        os.environ["DATABASE_URL"] = empty_database()
        os.environ["REDIS_URL"] = empty_redis()
        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        try:
            yield
        finally:
            connections.close_all()
            empty_redis()  # the next run need not read what this one wrote


def empty_database() -> str:
    """Makes the database anew; returns its address."""
    server = embedded.database_url().rsplit("/", 1)[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    return f"{server}/{DATABASE}"


def empty_redis() -> str:
    """Empties our Redis database; returns its address. A server that is still reading its file is waited for."""
    address = embedded.redis_url(REDIS_DATABASE)
    patience = Retry(ConstantBackoff(0.1), LOADING_SECONDS * 10, (redis.ConnectionError, redis.TimeoutError))
    with redis.Redis.from_url(address, retry=patience) as client:
        client.flushdb()
    return address
