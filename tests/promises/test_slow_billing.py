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
from orders.models import Order, PaymentAttempt, Refund
from orders.providers import calls
from tests.billing_server import BillingService
from tests.promises.crew import Crew, send
from tests.promises.gates import HELD_SECONDS
from tests.promises.processes import LONG, Running, until
from tests.world import Shopper, World, attempt_of, together, window_ends

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = [line for line, command in procfile().items() if "celery" in command and line != "beat"]
PAYMENTS = ["poll_billing", "send_refunds"]
"""As many as the Procfile's worker of payments has children."""
ASKING = [*PAYMENTS, "expire_orders"]
"""All jobs that ask billing. The last keeps one of the two children of closing waiting."""
OTHERS = [
    job.name
    for job in SCHEDULE
    if job.queue != "payments" and job.name not in ASKING and job.seconds and job.seconds <= 60
]


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
    """A billing service that is to be asked about several orders, for the last time about one whose window has ended,
    and is slow to answer.
    """
    for _time in range(2):
        Shopper().order(world, (world.tea, 1))
    window_ends(Shopper().order(world, (world.tea, 1)))
    attempt = attempt_of(Shopper().order(world, (world.tea, 1)))
    Refund.objects.create(attempt=attempt, amount=attempt.amount, reason="late", was_sale=False, next_try_at=now())
    PaymentAttempt.objects.update(next_poll_at=now())
    billing.knob("get", "refund", "cancel", delay=HELD_SECONDS)
    return billing


def begin_asking(billing: BillingService) -> list[str]:
    """Has each job that asks billing wait for it; their messages."""
    messages = [send(name) for name in ASKING]
    until(lambda: all(billing.calls[kind] for kind in ("get", "refund", "cancel")), "billing is asked by all")
    return messages


def done(workers: list[Running], message: str) -> bool:
    """Whether one of them has done it."""
    return any(worker.lines(message, "succeeded") for worker in workers)


def test_all_other_jobs_are_done_meanwhile(workers: list[Running], hanging: BillingService) -> None:
    asking = begin_asking(hanging)
    others = [send(name) for name in OTHERS]
    until(lambda: all(done(workers, message) for message in others), "all others are done")
    assert not any(done(workers, message) for message in asking)
    assert set(Order.objects.values_list("status", flat=True)) == {"pending"}  # nobody said that it was not paid


SILENT = {"delay": 30}, {"drip": 1}
"""No word for half a minute; one byte a second."""


LATEST_SECONDS = 13
"""Ten for billing, and a few tenths for everything else; for a slow machine that may be seconds."""
TEN_SECONDS = pytest.mark.skipif(not LONG, reason="ten seconds each: make promises")


def confirm_in_vain(world: World, billing: BillingService, how: dict[str, float]) -> float:
    """Somebody confirms while billing is silent; the seconds until they were told so."""
    shopper = Shopper()
    checkout_id = shopper.checkout((world.mug, 1))
    billing.knob("open", **how)
    began = time.monotonic()
    answer = shopper.confirm(checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    return time.monotonic() - began


@TEN_SECONDS
@pytest.mark.parametrize("how", SILENT, ids=str)
def test_nobody_waits_longer_than_ten_seconds_for_billing(
    how: dict[str, float], world: World, billing: BillingService
) -> None:
    assert 10 <= confirm_in_vain(world, billing, how) < LATEST_SECONDS


@TEN_SECONDS
def test_control_without_a_limit_of_the_whole_call_a_byte_a_second_is_waited_for(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "LONGEST_SECONDS", 20)
    assert confirm_in_vain(world, billing, {"drip": 1}) > LATEST_SECONDS


@TEN_SECONDS
def test_taking_back_a_pay_session_that_came_too_late_takes_two_seconds_more(
    world: World, billing: BillingService
) -> None:
    """The window ends while billing opens one, which takes all but ten seconds; then it is silent."""
    shopper = Shopper()
    checkout_id = shopper.checkout((world.mug, 1))
    billing.knob("open", delay=9)
    billing.knob("cancel", delay=30)

    def confirm() -> tuple[float, object]:
        began = time.monotonic()
        payment = shopper.confirm(checkout_id, world).json()["data"]["payment"]
        return time.monotonic() - began, payment

    def end_the_window() -> None:
        until(lambda: billing.calls["open"], "billing is asked")
        window_ends(Order.objects.get())

    (seconds, payment), _nothing = together(2, lambda place: end_the_window() if place else confirm())
    assert payment == {"attempt": None, "paymentUrl": None}
    assert billing.calls["cancel"] == 1
    assert 11 <= seconds < LATEST_SECONDS + calls.WITHDRAW_SECONDS


def test_control_with_one_worker_for_all_they_wait(nobody: None, hanging: BillingService, folder: Path) -> None:
    with closing(Crew(folder, {}, app="config.celery", children=len(ASKING))) as crew:
        worker = crew.ready()
        begin_asking(hanging)
        message = send("flush_events")
        until(lambda: worker.lines("succeeded"), "one is done")
        assert message not in worker.lines("succeeded")[0]
