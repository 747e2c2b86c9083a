"""No inner address is reached: by no way of writing it, by no name that means it, now or a moment later."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore2
import pytest
from django.conf import LazySettings

from core.outward import (
    AddressRefusedError,
    InnerAddressError,
    OutwardBackend,
    check_url,
    is_inner_host,
    may_be_reached,
    tls,
)

TLS = Path(__file__).parent / "tls"
"""A certificate of hooks.example.com and the authority that signed it; both are for these tests alone."""
INNER = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.0.192", "168.63.129.16", "192.88.99.1", "3fff::1", "64:ff9b::c000:c0", "198.18.0.1",
    "192.0.2.1", "224.0.0.1", "224.0.1.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1",
    "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::",
]  # fmt: skip
OUTER = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.fixture(autouse=True)
def no_inner_network_is_allowed(settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_not_to_be_reached(address: str) -> None:
    assert not may_be_reached(address)


@pytest.mark.parametrize("address", OUTER)
def test_everybodys_addresses_may_be_reached(address: str) -> None:
    assert may_be_reached(address)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_a_network_of_the_settings_may_be_reached_in_any_clothes(settings: LazySettings, address: str) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.1.2.0/24"]
    assert may_be_reached(address)
    assert not may_be_reached("10.1.3.1")


# What is typed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "::1", "localhost", "LOCALHOST.", "a.localhost",
     "db.internal", "printer.local", "nas.home.arpa", "169.254.169.254"],
)  # fmt: skip
def test_a_host_that_is_inner_by_its_look_is_refused(host: str) -> None:
    assert is_inner_host(host)
    with pytest.raises(AddressRefusedError, match=r"own network|can be called"):
        check_url(f"https://{f'[{host}]' if ':' in host else host}/hook")


def test_a_name_is_not_asked_about_when_it_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, lambda host: ["127.0.0.1"])
    check_url("https://hooks.example.com/hook")
    assert asked == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://ada:secret@hooks.example.com/", "user name"),
        ("https://ada@hooks.example.com/", "user name"),
        ("ftp://hooks.example.com/", "https://"),
        ("https:///hook", "can be called"),
        ("hooks.example.com", "https://"),
        ("https://hooks.example.com:99999/", "can be called"),
        ("https://a\u0000b/", "can be called"),
    ],
)
def test_an_address_that_is_refused_says_why(url: str, why: str) -> None:
    with pytest.raises(AddressRefusedError, match=why):
        check_url(url)


def test_plain_http_is_for_development(settings: LazySettings) -> None:
    check_url("http://hooks.example.com/")
    settings.DEVELOPMENT = False
    with pytest.raises(AddressRefusedError, match="https://"):
        check_url("http://hooks.example.com/")


# What is connected --------------------------------------------------------------------------------------------------


def resolving(monkeypatch: pytest.MonkeyPatch, addresses: Callable[[str], list[str]]) -> list[str]:
    """From now on names mean these addresses; which were asked about. Addresses mean themselves."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).replace(".", "").isdigit() or ":" in str(host) or kwargs.get("flags"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [found for address in addresses(host) for found in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


class Door:
    """Somebody who listens on this machine, and how often anybody came."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.socket = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def callers(self) -> int:
        """How many connections wait to be taken."""
        found = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return found
            found += 1


@pytest.fixture
def door() -> Iterator[Door]:
    listening = Door()
    yield listening
    listening.socket.close()


def visit(url: str, *, times: int = 1, context: ssl.SSLContext | None = None) -> list[int]:
    """Calls an address some times; the statuses.

    Raises:
        ConnectError, InnerAddressError
    """

    async def call() -> list[int]:
        with ThreadPoolExecutor(4) as threads:
            backend = OutwardBackend(threads)
            async with httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=backend) as pool:
                timeouts = {"timeout": {"connect": 3, "read": 0.3, "write": 3, "pool": 3}}
                return [(await pool.request("GET", url, extensions=timeouts)).status for _ in range(times)]

    return asyncio.run(call())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"])
def test_an_inner_address_gets_no_connection(door: Door, host: str) -> None:
    with pytest.raises(InnerAddressError):
        visit(f"http://{host}:{door.port}/")
    assert door.callers() == 0


def test_control_the_door_is_open_to_those_who_do_not_look(door: Door, settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with pytest.raises(httpcore2.ReadTimeout):
        visit(f"http://127.0.0.1:{door.port}/")
    assert door.callers() == 1


def test_a_name_that_means_an_inner_address_gets_no_connection(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, lambda host: ["127.0.0.1"])
    with pytest.raises(InnerAddressError, match=r"hooks\.example\.com is 127\.0\.0\.1"):
        visit(f"http://hooks.example.com:{door.port}/")
    assert door.callers() == 0


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_with_one_inner_address_among_others_gets_no_connection(
    door: Door, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    resolving(monkeypatch, lambda host: ["127.0.0.1", "93.184.216.34"][::order])
    with pytest.raises(InnerAddressError):
        visit(f"http://hooks.example.com:{door.port}/")
    assert door.callers() == 0


def test_a_name_that_means_another_address_a_moment_later_helps_nobody(
    door: Door, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    """The name is asked about once, and the connection goes to that answer: 127.0.0.1 plays an outer address here."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.1"]
    answers = iter([["127.0.0.1"], ["127.0.0.9"], ["127.0.0.9"]])
    asked = resolving(monkeypatch, lambda host: next(answers))
    with pytest.raises(httpcore2.ReadTimeout):
        visit(f"http://hooks.example.com:{door.port}/")
    assert (asked, door.callers()) == (["hooks.example.com"], 1)
    with pytest.raises(InnerAddressError, match=r"127\.0\.0\.9"):
        visit(f"http://hooks.example.com:{door.port}/")
    assert door.callers() == 0


def test_a_name_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    resolving(monkeypatch, fail)
    with pytest.raises(httpcore2.ConnectError, match="is not known"):
        visit("http://hooks.example.com/")


def test_the_next_address_is_tried_when_the_first_leads_nowhere(
    door: Door, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["::1", "127.0.0.1"]
    resolving(monkeypatch, lambda host: ["::1", "127.0.0.1"])
    with pytest.raises(httpcore2.ReadTimeout):
        visit(f"http://hooks.example.com:{door.port}/")
    assert door.callers() == 1


# TLS ----------------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Answers."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Quiet(ThreadingHTTPServer):
    """One that does not complain of callers who do not trust it."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """No news."""


@contextmanager
def https() -> Iterator[int]:
    """A server with the certificate; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    with Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """What verifies certificates, on a machine that trusts the tests' authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "authority.pem"))
    tls.cache_clear()
    yield tls()
    tls.cache_clear()


def test_the_certificate_is_verified_for_the_name(
    trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.1"]
    resolving(monkeypatch, lambda host: ["127.0.0.1"])
    with https() as port:
        assert visit(f"https://hooks.example.com:{port}/", context=trusting) == [204]
        with pytest.raises(httpcore2.ConnectError, match="certificate verify failed"):
            visit(f"https://other.example.com:{port}/", context=trusting)
        with pytest.raises(httpcore2.ConnectError, match="certificate verify failed"):
            visit(f"https://hooks.example.com:{port}/", context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
