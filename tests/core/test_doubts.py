"""A PostgreSQL that hangs, behind a proxy: whoever asks gives up, and nobody asks again at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from core.postgresql import doubts as doubts_module
from core.postgresql.doubts import doubts
from core.postgresql.patience import patience, waits_at_most
from tests.faults.proxy import Fault, FaultProxy
from tests.world import asked, replace_pool

pytestmark = pytest.mark.django_db(transaction=True)
SHORT_SECONDS = 0.3


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """This process speaks to PostgreSQL through it."""
    monkeypatch.setattr(doubts_module, "PAUSE_SECONDS", 0.1)
    folder = settings.DATABASES["default"]["HOST"]
    usual = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    pool = connection.settings_dict["OPTIONS"]["pool"]
    with FaultProxy(Path(folder) / ".s.PGSQL.5432").running() as between:
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": between.port}
        replace_pool(pool | {"timeout": 1})
        yield between
        connection.close()
        connection.settings_dict |= usual
        replace_pool(pool)


def test_control_without_patience_it_waits(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the server hangs, that is, and here it ends by a reset."""
    monkeypatch.setattr(doubts_module.Connection, "wait", psycopg.Connection.wait)
    asked("SELECT 1")
    threading.Timer(SHORT_SECONDS * 4, lambda: proxy.switch(Fault.RESET)).start()
    began = time.monotonic()
    with proxy.broken(Fault.HANG), waits_at_most(SHORT_SECONDS), pytest.raises(OperationalError):
        asked("SELECT 1")
    assert time.monotonic() - began > SHORT_SECONDS * 3


def test_a_statement_that_is_not_answered_fails(proxy: FaultProxy) -> None:
    asked("SELECT 1")
    with proxy.broken(Fault.HANG), waits_at_most(SHORT_SECONDS), pytest.raises(OperationalError, match="said nothing"):
        asked("SELECT 1")


def test_the_next_is_refused_without_asking(proxy: FaultProxy) -> None:
    asked("SELECT 1")
    with proxy.broken(Fault.HANG), waits_at_most(SHORT_SECONDS):
        with pytest.raises(OperationalError, match="said nothing"):
            asked("SELECT 1")
        connection.close()
        with pytest.raises(OperationalError, match="PostgreSQL is away"):
            asked("SELECT 1")


def test_once_it_answers_it_is_asked_as_usual(proxy: FaultProxy) -> None:
    asked("SELECT 1")
    with proxy.broken(Fault.HANG), waits_at_most(SHORT_SECONDS), pytest.raises(OperationalError):
        asked("SELECT 1")
    connection.close()
    time.sleep(doubts_module.PAUSE_SECONDS)
    assert asked("SELECT 1") == 1
    assert not doubts.arisen


def test_a_server_that_refuses_is_not_asked_by_everybody(proxy: FaultProxy) -> None:
    connection.close()
    with proxy.broken(Fault.REFUSE):
        for _time in range(2):
            with pytest.raises(OperationalError):
                asked("SELECT 1")
            connection.close()
        assert doubts.arisen


def test_patience_ends_with_its_block() -> None:
    usual = patience.seconds
    with waits_at_most(1):
        assert patience.seconds == 1
    assert patience.seconds == usual
