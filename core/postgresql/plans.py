"""Statements that PostgreSQL has prepared, once a migration has changed what they give."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors


def forget_stale_plans(error: BaseException | None, connection: psycopg.Connection[Any] | None) -> None:
    """After `cached plan must not change result type`: a column has another type since. Each statement is prepared anew
    the next time; else this one would fail on this connection for as long as that lives.
    """
    if isinstance(error, errors.FeatureNotSupported) and connection is not None:
        connection._prepared.clear()
