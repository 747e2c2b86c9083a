"""How many messages wait, wherever Celery has its queues."""

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from redis import Redis

from config.queues import lengths
from config.settings import broker_url
from tests.promises.processes import queues_address


@pytest.mark.parametrize("spelled", [str, broker_url])
@pytest.mark.parametrize("apart", [False, True])
def test_messages_are_counted_wherever_the_queues_are(
    settings: LazySettings, *, apart: bool, spelled: Callable[[str], str]
) -> None:
    address = queues_address() if apart else settings.REDIS_URL
    settings.QUEUES_URL = spelled(address)
    with Redis.from_url(address) as queues:
        queues.delete("payments", "closing")  # what processes of a test before left there
        queues.rpush("payments", *range(100))
        try:
            assert lengths(["payments", "closing"]) == {"payments": 100, "closing": 0}
        finally:
            queues.delete("payments")


def test_of_a_broker_that_is_no_redis_nothing_is_told(settings: LazySettings) -> None:
    settings.QUEUES_URL = "amqp://broker.example.com"
    assert lengths(["payments"]) == {}
