"""A billing service that does not answer keeps the payments waiting, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from config.run import procfile
from config.schedule import SCHEDULE
from core.clock import now
from orders.models import PaymentAttempt, Refund
from tests.billing_server import BillingService
from tests.promises.crew import Crew, send
from tests.promises.gates import HELD_SECONDS
from tests.promises.processes import LONG, Running, until
from tests.world import Shopper, World, attempt_of, window_ends

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = [line for line, command in procfile().items() if "celery" in command and line != "beat"]
PAYMENTS = ["poll_billing", "send_refunds"]
"""As many as the Procfile's worker of payments has children."""
OTHERS = [job.name for job in SCHEDULE if job.queue != "payments" and job.seconds and job.seconds <= 60]


@pytest.fixture
def workers(nobody: None, folder: Path) -> Iterator[list[Running]]:
    """Those of the Procfile."""
    with ExitStack() as stack:
        found = []
        for line in WORKERS:
            found.append(Running(line, "--without-mingle", folder=folder))
            stack.callback(found[-1].kill)
        for worker in found:
            worker.wait_for("ready.")
        yield found


@pytest.fixture
def hanging(world: World, billing: BillingService) -> BillingService:
    """A billing service that is to be asked about several orders, and is slow to answer."""
    for _time in range(2):
        Shopper().order(world, (world.tea, 1))
    window_ends(Shopper().order(world, (world.tea, 1)))
    attempt = attempt_of(Shopper().order(world, (world.tea, 1)))
    Refund.objects.create(attempt=attempt, amount=attempt.amount, reason="late", was_sale=False, next_try_at=now())
    PaymentAttempt.objects.update(next_poll_at=now())
    billing.knob("get", "refund", delay=HELD_SECONDS)
    return billing


def begin_payments(billing: BillingService) -> list[str]:
    """Has as many jobs as payments has children wait for billing; their messages."""
    messages = [send(name) for name in PAYMENTS]
    until(lambda: billing.calls["get"] and billing.calls["refund"], "billing is asked by both")
    return messages


def done(workers: list[Running], message: str) -> bool:
    """Whether one of them has done it."""
    return any(worker.lines(message, "succeeded") for worker in workers)


def test_all_other_jobs_are_done_meanwhile(workers: list[Running], hanging: BillingService) -> None:
    payments = begin_payments(hanging)
    others = [send(name) for name in OTHERS]
    until(lambda: all(done(workers, message) for message in others), "all others are done")
    assert not any(done(workers, message) for message in payments)


SILENT = {"delay": 30}, {"drip": 1}
"""No word for half a minute; one byte a second."""


@pytest.mark.skipif(not LONG, reason="ten seconds each: make promises")
@pytest.mark.parametrize("how", SILENT, ids=str)
def test_nobody_waits_longer_than_ten_seconds_for_billing(
    how: dict[str, float], world: World, billing: BillingService
) -> None:
    """And a few tenths for everything else; for a slow machine that may be seconds."""
    shopper = Shopper()
    checkout_id = shopper.checkout((world.mug, 1))
    billing.knob("open", **how)
    began = time.monotonic()
    answer = shopper.confirm(checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    assert 10 <= time.monotonic() - began < 13


def test_control_with_one_worker_for_all_they_wait(nobody: None, hanging: BillingService, folder: Path) -> None:
    with closing(Crew(folder, {}, app="config.celery", children=len(PAYMENTS))) as crew:
        worker = crew.ready()
        begin_payments(hanging)
        message = send("flush_events")
        until(lambda: worker.lines("succeeded"), "one is done")
        assert message not in worker.lines("succeeded")[0]
