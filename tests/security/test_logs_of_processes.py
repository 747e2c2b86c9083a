"""What gunicorn and PostgreSQL write down when something fails with somebody's data in its hands."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import IntegrityError, connection

from tests.factories import UserFactory
from tests.promises.processes import until
from tests.security.faulty_processes import AGENT, ASKED, EMAIL, FAULTS, of_postgresql, size_of_log, status, told, web

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHER = "another-somebody@people.example"


@pytest.fixture
def since() -> int:
    return size_of_log()


def test_the_web_process_tells_of_faults_and_not_of_people(tmp_path: Path, since: int) -> None:
    log = tmp_path / "web.log"
    with web(log) as port:
        assert [status(port, path) for path in FAULTS] == [500] * len(FAULTS)
        status(port, ASKED)
        status(port, "/api/v1/checkout/reminders/unsubscribe/a-token-of-somebody")
    said = log.read_text()
    assert said.count("duplicate key value violates unique constraint") >= 2
    assert "RuntimeError: EmailMessage" in said
    assert "invalid input syntax for type integer" in said
    assert '"GET /admin/customers/customer/ HTTP/1.1" 302' in said
    assert "127.0.0.0/24" in said
    assert "a-token-of-somebody" not in [line for line in said.splitlines() if '"GET' in line][-1]
    assert told(said) == []
    assert "duplicate key value" in of_postgresql(since)
    assert told(of_postgresql(since)) == []


def test_control_postgresql_says_the_row_unless_told_not_to(since: int) -> None:
    """Of somebody else: tests beside this one look for `EMAIL` in the same log."""
    UserFactory.create(email=ANOTHER)
    with connection.cursor() as cursor:
        cursor.execute("SET log_error_verbosity = 'default'")
        with pytest.raises(IntegrityError):
            UserFactory.create(email=ANOTHER)
        cursor.execute("RESET log_error_verbosity")
    until(lambda: ANOTHER in of_postgresql(since), "PostgreSQL has written the row down")
    assert ANOTHER in of_postgresql(since)


def test_control_gunicorns_own_lines_are_noticed(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with web(log, "--logger-class", "gunicorn.glogging.Logger") as port:
        status(port, ASKED)
    assert told(log.read_text()) == [AGENT, quote(EMAIL)]
