"""Outgoing webhooks reach no inner address, along the whole way: from what staff type to the socket that is opened."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from httpcore2 import ConnectError

from core import outward
from core.clock import now
from orders.models import WebhookDelivery
from orders.outbox import deliver_outbox
from tests.core.test_outward import Door, resolving
from tests.orders.subscriber import Subscriber, delivery_to, endpoint_at, listening

HERE = ["127.0.0.1", "127.0.0.9", "127.8.8.8", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "localhost"]
"""Whoever goes there is to be held by the shop, not by the tests' own guard."""
pytestmark = [pytest.mark.django_db, pytest.mark.allow_hosts(HERE)]

SPELLINGS = [
    "127.0.0.1", "127.1", "127.8.8.8", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0.0.0.0",
    "0", "127.0.0.1.", "localhost", "LocalHost.", "shop.localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "127。0。0。1",
]  # fmt: skip
"""Of this machine."""
ELSEWHERE = [
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254",
    "100.64.0.1", "[fd00::1]", "[fe80::1]",
]  # fmt: skip
"""Reached by a gateway, or further in."""


@pytest.fixture
def doors() -> Iterator[list[Door]]:
    """Somebody listens at every address of this machine, with both kinds of them, on one port."""
    first = Door("0.0.0.0")
    second = Door.__new__(Door)
    second.socket = socket.create_server(("::", first.port), family=socket.AF_INET6)
    second.socket.setblocking(False)
    yield [first, second]
    first.socket.close()
    second.socket.close()


@pytest.fixture
def nowhere_inner(settings: LazySettings) -> None:
    """The shop as it is in production: no inner network may be called."""
    settings.WEBHOOK_ALLOWED_NETWORKS = []


def callers(doors: list[Door]) -> int:
    return sum(door.callers() for door in doors)


def unknown(host: str) -> list[str]:
    """No name is known."""
    raise socket.gaierror(socket.EAI_NONAME, host)


def become_of(*urls: str) -> list[WebhookDelivery]:
    """Sends an event to these addresses; the deliveries."""
    deliveries = [delivery_to(endpoint_at(url)) for url in urls]
    deliver_outbox(now=now())
    return list(WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]))


def errors_for(hosts: list[str], port: int) -> dict[str, int]:
    """Sends an event to each of these hosts; how many calls failed of what."""
    for host in hosts:
        delivery_to(endpoint_at(f"http://{host}:{port}/hook"))
    return deliver_outbox(now=now()).errors


def test_no_spelling_of_an_inner_address_gets_a_connection(doors: list[Door], nowhere_inner: None) -> None:
    port = doors[0].port
    errors = errors_for([*SPELLINGS, *ELSEWHERE], port)
    assert callers(doors) == 0
    assert errors == {"refused": len(SPELLINGS) + len(ELSEWHERE)}


def test_no_inner_address_behind_a_name_gets_a_connection(
    doors: list[Door], nowhere_inner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [host.strip("[]") for host in ELSEWHERE]
    resolving(monkeypatch, lambda host: [addresses[int(host.split(".")[0])]])
    errors = errors_for([f"{place}.example.com" for place in range(len(ELSEWHERE))], doors[0].port)
    assert errors == {"inner_address": len(ELSEWHERE)}


def test_control_for_somebody_who_does_not_look_the_way_to_them_is_tried(
    doors: list[Door], nowhere_inner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outward, "may_be_reached", lambda address: True)
    monkeypatch.setattr(outward, "is_inner_host", lambda host: False)
    tried: list[str] = []

    async def nowhere(self: Any, host: str, *_how: Any, **_more: Any) -> Any:
        tried.append(host)
        raise ConnectError

    monkeypatch.setattr("httpcore2.AnyIOBackend.connect_tcp", nowhere)
    assert errors_for(ELSEWHERE, doors[0].port) == {"network": len(ELSEWHERE)}
    assert sorted(tried) == sorted(host.strip("[]") for host in ELSEWHERE)


def test_control_somebody_who_does_not_look_reaches_the_doors(
    doors: list[Door], nowhere_inner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outward, "may_be_reached", lambda address: True)
    monkeypatch.setattr(outward, "is_inner_host", lambda host: False)
    monkeypatch.setattr("orders.outbox.calling.TIMEOUTS", {"connect": 2, "read": 0.2, "write": 1, "pool": 5})
    become_of(*(f"http://{host}:{doors[0].port}/hook" for host in SPELLINGS))
    assert callers(doors) > len(SPELLINGS) / 2


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher", "unix", "http+unix", "ws", "data", "javascript", ""])
def test_no_other_scheme_is_called(doors: list[Door], scheme: str) -> None:
    delivery_to(endpoint_at(f"{scheme}://127.0.0.1:{doors[0].port}/var/run/docker.sock"))
    assert deliver_outbox(now=now()).errors == {"refused": 1}
    assert callers(doors) == 0


def test_control_by_http_the_same_place_is_called(doors: list[Door], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.outbox.calling.TIMEOUTS", {"connect": 2, "read": 0.2, "write": 1, "pool": 5})
    become_of(f"http://127.0.0.1:{doors[0].port}/var/run/docker.sock")
    assert callers(doors) == 1


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}@hooks.example.com/",
            "http://hooks.example.com#@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@hooks.example.com/",
            "http://127.0.0.1\t:{port}/", "http://127.0.0.1:{port} /", "http://hooks.example.com:{port}:{port}/"],
)  # fmt: skip
def test_no_trick_of_writing_an_address_leads_inside(
    doors: list[Door], nowhere_inner: None, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    resolving(monkeypatch, unknown)
    become_of(url.format(port=doors[0].port))
    assert callers(doors) == 0


def test_a_redirect_to_an_inner_address_is_not_followed(settings: LazySettings) -> None:
    """The subscriber, at 127.0.0.1, plays an outer address here, and 127.0.0.9 an inner one."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.1"]
    inner = Door("127.0.0.9")
    with listening() as subscriber:
        for status in (301, 302, 303, 307, 308):
            to = {"location": f"http://127.0.0.9:{inner.port}/"}
            become_of(subscriber.at(f"/{status}", status=status, headers=to))
        assert {call.path for call in subscriber.calls} >= {"/301", "/302", "/303", "/307", "/308"}
    assert inner.callers() == 0
    inner.socket.close()
    assert not WebhookDelivery.objects.filter(status="delivered").exists()


def rebinding(monkeypatch: pytest.MonkeyPatch, subscriber: Subscriber) -> list[str]:
    """A name whose owner answers the first question with an outer address, and each one after it with an inner one."""
    answers = iter(["127.0.0.1"])
    return resolving(monkeypatch, lambda host: [next(answers, "127.0.0.9")])


def test_a_name_that_is_another_address_for_whoever_asks_again_reaches_nobody(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.1"]
    with listening() as subscriber:
        port = int(subscriber.url.rpartition(":")[2])
        inner = Door.__new__(Door)
        inner.socket = socket.create_server(("127.0.0.9", port))
        inner.socket.setblocking(False)
        asked = rebinding(monkeypatch, subscriber)
        (first,) = become_of(f"http://hooks.example.com:{port}/hook")
        (second,) = become_of(f"http://hooks.example.com:{port}/hook")[-1:]
        assert inner.callers() == 0
        inner.socket.close()
    assert len(subscriber.calls) >= 1
    assert asked == ["hooks.example.com"] * len(asked)
    assert (first.status, second.status) == ("delivered", "waiting")


def test_control_whoever_asks_again_after_looking_is_led_inside(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.1"]

    async def look_and_ask_again(self: outward.OutwardBackend, host: str, port: int, *how: Any, **more: Any) -> Any:
        assert all(map(outward.may_be_reached, await self.addresses(host, port)))
        return await super(outward.OutwardBackend, self).connect_tcp((await self.addresses(host, port))[0], port)

    monkeypatch.setattr(outward.OutwardBackend, "connect_tcp", look_and_ask_again)
    monkeypatch.setattr("orders.outbox.calling.TIMEOUTS", {"connect": 2, "read": 0.2, "write": 1, "pool": 5})
    inner = Door("127.0.0.9")
    with listening() as subscriber:
        rebinding(monkeypatch, subscriber)
        become_of(f"http://hooks.example.com:{inner.port}/hook")
    assert inner.callers() == 1
    inner.socket.close()
