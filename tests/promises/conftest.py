"""Processes of the tests' own, and the services that they talk to: one of each for a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from tests.billing_server import BillingService, billing_service
from tests.promises.crew import Crew, empty_queues
from tests.promises.mail_server import MailServer, mail_server
from tests.promises.processes import LONG

WORKER = "config.celery" if LONG else "tests.promises.attentive"


@pytest.fixture(scope="module")
def billing_process() -> Iterator[BillingService]:
    """A billing service that outlives a test, as the worker does that talks to it."""
    with override_settings(), billing_service(settings) as service:
        yield service


@pytest.fixture
def billing(billing_process: BillingService) -> BillingService:
    """The same as if it were new."""
    service = billing_process
    service.well()
    for memory in (service.sessions, service.by_key, service.calls, service.asked):
        memory.clear()
    return service


@pytest.fixture(scope="module")
def mail_process() -> Iterator[MailServer]:
    """A mail server that outlives a test."""
    with mail_server() as server:
        yield server


@pytest.fixture
def mails(mail_process: MailServer) -> MailServer:
    """The same as if it were new."""
    mail_process.taken.clear()
    mail_process.calls = 0
    return mail_process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the words of processes."""
    return tmp_path_factory.mktemp("promises")


@pytest.fixture(scope="module")
def crew_of_module(billing_process: BillingService, mail_process: MailServer, folder: Path) -> Iterator[Crew]:
    """A worker that outlives a test, unless it is killed."""
    with closing(Crew(folder, {"EMAIL_URL": mail_process.url}, app=WORKER)) as crew:
        yield crew


@pytest.fixture
def crew(crew_of_module: Crew) -> Crew:
    """The same, with nothing to do."""
    empty_queues()
    return crew_of_module


@pytest.fixture
def nobody(crew_of_module: Crew) -> None:
    """No worker and nothing to do: there is room for others."""
    crew_of_module.close()
    empty_queues()


@pytest.fixture
def big_crew(nobody: None, folder: Path) -> Iterator[Crew]:
    """A worker for jobs that are done at once."""
    with closing(Crew(folder, {}, app=WORKER, children=13)) as crew:
        yield crew


@pytest.fixture
def careless(nobody: None, billing: BillingService, folder: Path) -> Iterator[Callable[[str], Crew]]:
    """Workers without the protection that is named (`careless.py`)."""
    with ExitStack() as stack:
        yield lambda how: stack.enter_context(
            closing(Crew(folder, {"CARELESS": how}, app="tests.promises.careless", children=3))
        )
