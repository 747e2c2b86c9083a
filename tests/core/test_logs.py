"""What lines of the log tell beside their text."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from celery import shared_task
from django.test import Client

import config.tasks  # noqa: F401 - it hears of jobs
from core import logs
from core.clock import now
from core.logs import JsonFormatter, MarksFilter
from orders.models import Order, PaymentAttempt
from orders.tasks import poll_billing
from tests.billing_server import BillingService
from tests.world import Shopper, World, attempt_of

log = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def at_nothing() -> Iterator[None]:
    logs.end()
    yield
    logs.end()


class Lines(list[dict[str, Any]]):
    """What was logged, as a machine reads it."""

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self if line["logger"] == logger]


@contextmanager
def written() -> Iterator[Lines]:
    """All lines of a `with` block, once it is over."""
    stream, root, lines = StringIO(), logging.getLogger(), Lines()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        lines += [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object_with_the_time_in_utc() -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    with written() as lines:
        log.warning("%s of\n%s", 1, "2")
    (line,) = lines
    time = line.pop("time")
    assert line == {"level": "WARNING", "logger": __name__, "message": "1 of\n2"}
    assert time.endswith("Z")
    assert began <= datetime.fromisoformat(time) <= datetime.now(UTC)


def test_an_error_is_text_in_its_line() -> None:
    with written() as lines:
        try:
            raise ValueError("wrong")
        except ValueError:
            log.exception("a bug")
    (line,) = lines
    assert line["error"].startswith("Traceback (most recent call last):\n")
    assert line["error"].endswith("ValueError: wrong")


def test_a_line_tells_what_its_thread_is_at_and_of_nothing_afterwards() -> None:
    with written() as lines:
        logs.begin(request_id="a-request")
        logs.note(order="ORD-1")
        log.warning("one")
        logs.end()
        log.warning("two")
    assert [(line.get("request_id"), line.get("order")) for line in lines] == [("a-request", "ORD-1"), (None, None)]


def test_what_is_noted_of_one_of_many_is_not_told_of_the_next() -> None:
    with written() as lines:
        logs.begin(job="a job")
        with logs.about():
            logs.note(order="ORD-1")
            log.warning("one")
        log.warning("all")
    assert [(line["job"], line.get("order")) for line in lines] == [("a job", "ORD-1"), ("a job", None)]


def test_a_line_for_people_tells_it_too() -> None:
    record = logging.LogRecord("any", logging.INFO, "", 1, "text", None, None)
    logs.begin(request_id="a-request", order="ORD-1")
    MarksFilter().filter(record)
    assert logging.Formatter("[%(marks)s] %(message)s").format(record) == "[a-request ORD-1] text"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/orders/no-such-path", "/api/v1/analytics/metrics", "/nothing"])
def test_what_is_refused_is_logged_with_the_id_that_is_answered(path: str) -> None:
    with written() as lines:
        answer = Client().get(path)
    assert answer.status_code >= 400
    assert {line["request_id"] for line in lines.of("django.request")} == {answer["X-Request-ID"]}


@pytest.mark.django_db
def test_a_request_begins_without_what_was_noted_of_the_one_before() -> None:
    Client().get("/api/v1/storefront/products")
    logs.note(order="ORD-1")
    with written() as lines:
        Client().get("/nothing")
    assert {line.get("order") for line in lines} == {None}


@pytest.mark.django_db
def test_lines_of_a_visitors_request_name_the_visit() -> None:
    shopper = Shopper()
    visit = shopper.visit()["sessionId"]
    with written() as lines:
        shopper.initiate()
    assert [line["session"] for line in lines.of("django.request")] == [visit]


@pytest.mark.django_db(transaction=True)
def test_lines_of_a_request_about_an_order_name_it(world: World, billing: BillingService) -> None:
    billing.knob("open", status=500)
    shopper = Shopper()
    checkout_id = shopper.checkout((world.mug, 1))
    with written() as lines:
        answer = shopper.confirm(checkout_id, world)
    assert answer.status_code == 502
    (line,) = lines.of("orders.providers")
    assert line["order"] == Order.objects.get().number
    assert {"request_id", "session"} <= line.keys()


@shared_task
def said() -> None:
    log.warning("done")


def test_lines_of_a_job_name_it() -> None:
    with written() as lines:
        done = said.apply()
        log.warning("afterwards")
    (line, after) = lines.of(__name__)
    assert (line["job"], line["job_id"]) == (f"{__name__}.said", done.id)
    assert "job" not in after


@pytest.mark.django_db(transaction=True)
def test_lines_of_a_job_about_an_order_name_it(world: World, billing: BillingService) -> None:
    orders = [Shopper().order(world) for _ in range(2)]
    for order in orders:
        billing.settle(attempt_of(order).billing_checkout_id, "success", amount="1.00")
    PaymentAttempt.objects.update(next_poll_at=now())
    with written() as lines:
        poll_billing.apply()
        log.warning("afterwards")
    found = lines.of("orders.services.settling")
    assert all(line["order"] in line["message"] for line in found)
    assert {line["order"] for line in found} == {order.number for order in orders}
    assert {line["job"] for line in found} == {"orders.tasks.poll_billing"}
    assert lines[-1].keys().isdisjoint({"order", "job"})
