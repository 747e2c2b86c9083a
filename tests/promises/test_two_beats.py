"""Two schedulers do the work once: two beats and four workers, and each thing that is due happens one time.

Both send the jobs each second. Jobs may run as often as they like; what is counted is what they did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django_celery_beat.models import IntervalSchedule

from analytics.models import RealtimeMetrics
from checkout.models import CheckoutSession
from config.run import procfile
from config.schedule import sync_schedule
from core.clock import now
from core.models import Mail
from orders.models import Order, Refund, WebhookReceipt
from sessions_app.models import SessionEvent, VisitorSession
from tests.billing_server import BillingService
from tests.promises.crew import Crew, queues_are_empty
from tests.promises.effects import happened
from tests.promises.mail_server import MailServer
from tests.promises.processes import SECONDS, Running, until
from tests.promises.slots import Slots
from tests.world import check_books, deadlocks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nobody")]
WORKERS = [line for line, command in procfile().items() if "celery" in command and line != "beat"]
UNPAID = 5
SLOW = 0.3
"""Seconds that billing takes, so that jobs meet."""


class Kitchen:
    """Two beats and some workers, side by side."""

    def __init__(self, folder: Path, mails: MailServer) -> None:
        self.folder, self.more = folder, {"EMAIL_URL": mails.url}
        self.beats: list[Running] = []
        self.workers: list[Running] = []

    def hire(self, line: str, number: int) -> None:
        """Another worker of the Procfile."""
        words = ("--hostname", f"{number}@%h", "--without-mingle")
        self.workers.append(Running(line, *words, folder=self.folder, more=self.more))

    def open(self) -> None:
        """The beats begin, with all jobs of a minute or less sent each second; everybody is there."""
        sync_schedule()
        IntervalSchedule.objects.filter(every__lte=60).update(every=1)
        self.beats = [Running("beat", folder=self.folder) for _ in range(2)]
        for worker in self.workers:
            worker.wait_for("ready.")
        for beat in self.beats:
            beat.wait_for("Sending due task")

    def close_up(self) -> None:
        """The beats end, and what they sent is done."""
        for beat in self.beats:
            beat.kill()
        until(queues_are_empty, "all messages are done")

    def close(self) -> None:
        """Nobody is left."""
        for running in (*self.beats, *self.workers):
            running.kill()


@pytest.fixture
def kitchen(billing: BillingService, mails: MailServer, folder: Path) -> Iterator[Kitchen]:
    with closing(Kitchen(folder, mails)) as kitchen:
        yield kitchen


def most_questions(began: float) -> float:
    """How often billing may have been asked about one payment since then."""
    return (time.monotonic() - began) / settings.BILLING_POLL_SECONDS + 1


def test_one_effect_a_slot(kitchen: Kitchen, billing: BillingService, mails: MailServer) -> None:
    locked = deadlocks()
    for number, line in enumerate(WORKERS * 2):
        kitchen.hire(line, number)
    kitchen.open()
    slots = Slots(billing)
    billing.knob("get", "cancel", "refund", delay=SLOW)
    began = time.monotonic()
    slots.unpaid = [slots.order(now()) for _ in range(UNPAID)]
    while time.monotonic() < began + SECONDS:
        slots.fill()
        time.sleep(0.5)
    until(lambda: is_done(slots), "all is done")
    kitchen.close_up()
    asked = slots.asked("get", slots.unpaid)
    assert min(asked) >= 1
    assert max(asked) <= most_questions(began)
    check_orders(slots)
    check_the_rest(slots, mails)
    check_the_words(kitchen)
    assert deadlocks() == locked
    check_books()


def is_done(slots: Slots) -> bool:
    """Whether every slot had its effect."""
    left = (
        Order.objects.pending().exclude(pk__in=[order.pk for order in slots.unpaid]),
        Refund.objects.exclude(status="done"),
        Mail.objects.filter(status="waiting"),
        CheckoutSession.objects.filter(order=None).exclude(status="timeout"),
    )
    return not any(rows.exists() for rows in left) and events_of(slots) == slots.events


def events_of(slots: Slots) -> int:
    """Events of the visitor who is there all the time."""
    return SessionEvent.objects.filter(session=slots.session).count()


def check_orders(slots: Slots) -> None:
    """Each came to its end once; billing was told and asked once what needs to be once."""
    for orders, ends, asked in (
        (slots.unpaid, [], {}),
        (slots.paid, ["success"], {"get": 1}),
        (slots.expiring, ["expired"], {"cancel": 1}),
        (slots.refunded, ["success"], {"refund": 1}),
        (slots.told, ["success"], {"get": 0}),
    ):
        for order in orders:
            happened(order, *ends)
        for kind, times in asked.items():
            assert slots.asked(kind, orders) == [times] * len(orders)


def check_the_rest(slots: Slots, mails: MailServer) -> None:
    """Each mail went out once, each webhook settled, each event counted once; a minute has one row."""
    assert sorted(mails.taken.values()) == [1] * Mail.objects.filter(status="sent").count()
    assert set(WebhookReceipt.objects.values_list("outcome", flat=True)) == {"settled"}
    assert events_of(slots) == slots.events
    assert VisitorSession.objects.get(pk=slots.session).page_views == slots.events
    assert RealtimeMetrics.objects.exists()


def check_the_words(kitchen: Kitchen) -> None:
    """Both beats sent, all workers worked, and nothing failed."""
    for running in (*kitchen.beats, *kitchen.workers):
        assert running.lines("Sending due task") or running.lines("succeeded"), running.log.read_text()
        assert not running.lines("Traceback"), running.log.read_text()


def test_control_without_the_claim_billing_is_asked_more_often(
    kitchen: Kitchen, billing: BillingService, careless: Callable[[str], Crew]
) -> None:
    careless("poll_without_claim").ready()
    kitchen.open()
    slots = Slots(billing)
    billing.knob("get", delay=1)
    began = time.monotonic()
    slots.unpaid = [slots.order(now())]
    until(lambda: slots.asked("get", slots.unpaid)[0] > most_questions(began), "too many questions")
