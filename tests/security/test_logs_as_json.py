"""Web and worker with bugs write JSON and send errors to a Sentry: each line can be read, and nobody stands there."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from pytest_django.plugin import DjangoDbBlocker
from sentry_sdk.integrations.logging import EventHandler

from tests.emptying import CASE, empty_tables
from tests.promises.processes import until
from tests.security.faulty_processes import (
    ASKED,
    EMAIL,
    FAULTS,
    NAME,
    PASSWORD,
    closing_worker,
    of_postgresql,
    size_of_log,
    status,
    told,
    web,
)
from tests.sentry_server import Sentry, sentry_server

pytestmark = pytest.mark.django_db
JOB = "faulty.send"
Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Said:
    """What web, worker and PostgreSQL wrote, and what was sent."""

    web: str
    worker: str
    postgresql: str
    sentry: Sentry

    def event(self, **tags: str) -> dict[str, Any]:
        """The error that was sent with these tags."""
        (found,) = [event for event in self.sentry.events if tags.items() <= event["tags"].items()]
        return found


def request_id(path: str) -> str:
    """That each request to a path is given."""
    return path.strip("/").replace("/", "-") + "-request"


@pytest.fixture(scope="module")
def said(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Said]:
    """All of it, once both have ended."""
    folder: Path = tmp_path_factory.mktemp("json")
    since = size_of_log()
    with sentry_server() as sentry, django_db_blocker.unblock():
        # Python's warnings, that the worker is root's for example, are for standard error.
        more = {"LOG_FORMAT": "json", "SENTRY_DSN": sentry.dsn, "PYTHONWARNINGS": "ignore"}
        with web(folder / "web.log", **more) as port, closing_worker(folder, **more) as (worker, send):
            send(EMAIL, name=NAME)
            send(PASSWORD, write=True)
            for path in FAULTS:
                status(port, path, **{"X-Request-ID": request_id(path), "Cookie": f"footfall_login={PASSWORD}"})
            status(port, ASKED)
            until(lambda: len(sentry.events) >= len(FAULTS) + 2, "all errors have come")
        yield Said((folder / "web.log").read_text(), worker.log.read_text(), of_postgresql(since), sentry)
        empty_tables(CASE)


def lines(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def test_the_web_process_writes_nothing_but_json(said: Said) -> None:
    found = lines(said.web)
    assert {"gunicorn.error", "gunicorn.access", "django.request", "core.api"} <= {line["logger"] for line in found}
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in found)


def test_the_line_of_a_request_tells_its_id_and_its_answer(said: Said) -> None:
    (line,) = [line for line in lines(said.web) if line.get("path") == FAULTS[1]]
    assert line["request_id"] == request_id(FAULTS[1])
    assert (line["method"], line["status"], line["network"]) == ("GET", 500, "127.0.0.0/24")
    assert 0 < line["seconds"] < 30


def test_an_error_of_a_request_is_one_line_with_its_trace(said: Said) -> None:
    (line,) = [line for line in lines(said.web) if line["logger"] == "core.api"]
    assert line["request_id"] == request_id(FAULTS[0])
    assert "\nUniqueViolation" in line["error"].replace("psycopg.errors.", "")


def errors_of_jobs(said: Said) -> Lines:
    return [line for line in lines(said.worker) if line["logger"] == "celery.app.trace" and line["level"] == "ERROR"]


def test_a_worker_writes_nothing_but_json_with_the_job_in_its_lines(said: Said) -> None:
    failed = errors_of_jobs(said)
    assert [line["job"] for line in failed] == [JOB, JOB]
    assert all(line["job_id"] in line["message"] for line in failed)


def test_a_worker_tells_of_a_task_that_failed_and_not_what_it_was_given(said: Said) -> None:
    first, second = errors_of_jobs(said)
    assert "RuntimeError" in first["error"]
    assert "duplicate key value" in second["error"]
    assert told(said.worker + said.postgresql) == []


def test_an_error_of_a_request_is_sent_with_its_id(said: Said) -> None:
    event = said.event(request_id=request_id(FAULTS[0]))
    assert event["exception"]["values"][-1]["type"] == "IntegrityError"
    assert event["transaction"] == "GET api/v1/faulty"
    assert event["environment"] == "development"


def test_an_error_is_sent_once(said: Said) -> None:
    assert len(said.sentry.events) == len(FAULTS) + 2


def test_an_error_of_a_job_is_sent_with_its_name(said: Said) -> None:
    sent = [event for event in said.sentry.events if event["tags"].get("job") == JOB]
    assert [event["transaction"] for event in sent] == [JOB, JOB]
    assert {event["exception"]["values"][-1]["type"] for event in sent} == {"RuntimeError", "IntegrityError"}


def test_nobody_stands_in_what_is_written_or_sent(said: Said) -> None:
    for text in (said.web, said.worker, *said.sentry.envelopes):
        assert told(text) == []


def test_control_the_library_itself_would_send_what_a_job_was_given() -> None:
    record = logging.LogRecord("any", logging.ERROR, "", 1, "%(name)s failed", ({"name": JOB, "args": EMAIL},), None)
    with sentry_server() as sentry, sentry_sdk.new_scope() as scope:
        client = sentry_sdk.Client(sentry.dsn, default_integrations=False)
        scope.set_client(client)
        EventHandler().emit(record)
        client.close()
    assert told("".join(sentry.envelopes)) == [EMAIL]


def test_nothing_of_a_request_is_sent_but_its_method_and_route(said: Said) -> None:
    shown = {name for event in said.sentry.events for name in event}
    assert shown.isdisjoint({"request", "user", "extra", "breadcrumbs", "modules", "contexts"})
    frames = [
        frame
        for event in said.sentry.events
        for error in event["exception"]["values"]
        for frame in error["stacktrace"]["frames"]
    ]
    assert frames
    assert not any("vars" in frame for frame in frames)
