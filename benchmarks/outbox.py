"""How many events a second reach a webhook subscriber."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.costs import Meter, Used, family_seconds, postgresql
from benchmarks.crew import Crew, crew
from benchmarks.measurement import Measurement, Sample, medians, require
from benchmarks.subscriber import Subscriber, subscriber
from core import redis as core_redis
from core.clock import now
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint, WebhookTry
from orders.outbox import deliver_outbox, new_secret
from orders.outbox.spreading import STREAM

WORKERS = 2
EVENTS = 5_000
ROUNDS = 3
PAYLOAD = {
    "orderId": "019aaf6e-6f0b-7000-8000-000000000000",
    "number": "ORD-0123456789",
    "status": "success",
    "total": "64.90",
    "currency": "GBP",
    "items": [
        {"sku": f"KETTLE-{place}", "name": "A kettle", "quantity": 1, "lineTotal": "24.90"} for place in range(3)
    ],
}


def outbox() -> Measurement:
    """5,000 events that were just committed, to the stream and to a subscriber on this machine, events/s, two workers;
    until PostgreSQL knows of each that it was taken. Signed, logged, and each heard of once.
    """
    OutboxEvent.objects.update(published_at=now(), streamed_at=now())  # those of other benchmarks
    with subscriber() as hears, crew(WORKERS, {}) as workers:
        WebhookEndpoint.objects.create(url=hears.url, secret=new_secret(), topics=["order.paid"])
        server = postgresql()
        programs: dict[str, Used] = {
            "workers'": workers.cpu_seconds,
            "PostgreSQL's": lambda: family_seconds(server),
            "the subscriber's": lambda: family_seconds(hears.process),
        }
        delivered(workers, hears, programs, events=500)  # the first of a process fills its caches
        samples = [delivered(workers, hears, programs) for _round in range(ROUNDS)]
    return Measurement(median(sample.value for sample in samples), "events/s", notes=medians(samples))


def delivered(workers: Crew, hears: Subscriber, programs: dict[str, Used], *, events: int = EVENTS) -> Sample:
    """A round.

    Raises:
        NotDoneError: an event is missing somewhere, or was heard of twice.
    """
    core_redis.client().delete(STREAM)
    rows = (OutboxEvent(topic="order.paid", payload=PAYLOAD, created_at=now()) for _each in range(events))
    made = {str(event.pk) for event in OutboxEvent.objects.bulk_create(rows)}
    tried, meter, begun = WebhookTry.objects.count(), Meter(programs), time.perf_counter()
    counted = workers.each("outbox.deliver_all", [()] * WORKERS)
    seconds = time.perf_counter() - begun
    heard, waiting = hears.heard(), WebhookDelivery.objects.exclude(status="delivered").count()
    require(made <= heard.keys(), f"{len(made - heard.keys())} events were not heard of")
    require(heard.keys() <= made, f"{len(heard.keys() - made)} others were heard of")
    require(set(heard.values()) == {1}, "events were heard of twice")
    require((sum(counted), waiting) == (events, 0), f"{counted} are known as delivered, {waiting} wait")
    require(WebhookTry.objects.count() - tried == events, "tries are missing in the log")
    require(core_redis.client().xlen(STREAM) == events, "events are missing in the stream")
    return Sample(events / seconds, meter.notes(events, "an event"))


def deliver_all() -> int:
    """A worker's part: rounds as the job makes them, until nothing waits; how many events it delivered."""
    total = 0
    while (
        OutboxEvent.objects.filter(published_at=None).exists()
        or WebhookDelivery.objects.filter(status="waiting").exists()
    ):
        total += deliver_outbox(now=now()).delivered
    return total
