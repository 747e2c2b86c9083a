"""What is asked beside: on another connection, but for what only this one sees."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Event

import pytest
from django.db import DatabaseError, connection, transaction

from analytics.dashboard.beside import Answer, threads

pytestmark = pytest.mark.django_db(transaction=True)


def backend() -> int:
    """Which of PostgreSQL's processes answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_another_connection_answers() -> None:
    own, answer = backend(), Answer(backend)
    assert answer.begun is not None
    wait([answer.begun])
    assert answer.value != own


def test_within_a_transaction_its_own_does() -> None:
    with transaction.atomic():
        assert Answer(backend).value == backend()


def test_it_is_asked_once_however_often_it_is_wanted() -> None:
    asked: list[int] = []
    answer = Answer(lambda: asked.append(1))
    assert (answer.value, answer.value, asked) == (None, None, [1])


def test_nobody_waits_for_threads_that_are_busy() -> None:
    may_end = Event()
    busy = [threads.submit(may_end.wait, 20) for _ in range(2)]
    own = backend()
    assert Answer(backend).value == own
    may_end.set()
    assert all(each.result() for each in busy)


def test_a_refusal_comes_to_whoever_wants_the_answer() -> None:
    answer = Answer(refused)
    with pytest.raises(DatabaseError):
        _ = answer.value
