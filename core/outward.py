"""Connections to addresses that somebody typed: they lead outward, never to what this machine alone can reach.

A name is resolved when the connection is made, each address that it has is checked, and the connection goes to a
checked one: a name that means another address a moment later helps nobody. TLS is still verified for the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpx2
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkStream, ConnectError, ConnectTimeout

from core.errors import InvalidInputError
from core.net import is_within

INNER_NAMES = ("localhost", "local", "internal", "home.arpa")
"""Names that mean something inner by agreement (RFC 6761, 6762, 8375; ICANN for `internal`)."""
NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
INNER_NETWORKS = (
    IPv4Network("192.0.0.0/24"),  # kept for protocols; a cloud's metadata at .192
    IPv4Network("168.63.129.16/32"),  # looks like everybody's, and is answered by the cloud that a machine stands in
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, which nobody has any more
    IPv6Network("3fff::/20"),  # for documentation (RFC 9637)
)
"""Networks that Python takes for everybody's, in one of its versions or another."""
TRIED_ADDRESSES = 2
Address = IPv4Address | IPv6Address


class InnerAddressError(ConnectError):
    """The host has an address that is not to be reached from here. Nothing was connected."""


class AddressRefusedError(InvalidInputError):
    """An address that is not to be called; the text says why."""


def check_url(url: str) -> None:
    """Whether an address may be called, as far as it can be told without asking anybody.

    What its name means is checked when it is called.

    Raises:
        AddressRefusedError
    """
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise AddressRefusedError(_("This is not an address that can be called.")) from error
    if parts.scheme != "https" and not (settings.DEVELOPMENT and parts.scheme == "http"):
        raise AddressRefusedError(_("The address must begin with https://, so that nobody reads along."))
    if parts.userinfo:
        raise AddressRefusedError(
            _("The address must hold no user name and no password: anybody who sees it reads it.")
        )
    if not parts.host or (parts.port is not None and not 0 < parts.port < 65536):
        raise AddressRefusedError(_("This is not an address that can be called."))
    if is_inner_host(parts.raw_host.decode()):
        raise AddressRefusedError(_("This address leads into the shop's own network, which is not called."))


def is_inner_host(host: str) -> bool:
    """Whether a host is an inner one by its look: an address in any way of writing it, or a name kept for that."""
    host = host.rstrip(".").lower()
    if host == "localhost":
        host = "127.0.0.1"
    try:
        numeric = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):  # a name
        return any(host == name or host.endswith(f".{name}") for name in INNER_NAMES)
    return not all(may_be_reached(str(found[4][0])) for found in numeric)


def may_be_reached(text: str) -> bool:
    """Whether an address is everybody's, or in one of the inner networks that the settings allow."""
    address = meant(text)
    return is_outer(address) or is_within(str(address), settings.WEBHOOK_ALLOWED_NETWORKS)


def meant(text: str) -> Address:
    """The address that packets go to: IPv4 in IPv6 clothes is IPv4, also by a NAT64 gateway."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def is_outer(address: Address) -> bool:
    """Whether an address is one of the whole internet's, and of one machine."""
    if isinstance(address, IPv6Address) and (address in SIX_TO_FOUR or address.is_site_local):
        return False
    if any(address in network for network in INNER_NETWORKS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


class OutwardBackend(AnyIOBackend):
    """What connects: by name, to a checked address. `threads` wait for the name servers."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.threads = threads

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Raises:
        InnerAddressError: one of the host's addresses is inner.
        ConnectError, ConnectTimeout
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self.addresses(host, port)
        except TimeoutError as error:
            raise ConnectError("no answer from the name servers") from error
        for inner in addresses:
            if not may_be_reached(inner):
                raise InnerAddressError(f"{host} is {inner}, which is not to be reached from here")
        return await self.first_of(addresses, port, timeout, local_address, socket_options)

    async def first_of(self, addresses: list[str], *how: Any) -> AsyncNetworkStream:
        """A connection to the first address, or to the next: a host may have one that leads nowhere from here."""
        *others, last = addresses[:TRIED_ADDRESSES]
        for address in others:
            with suppress(ConnectError, ConnectTimeout):
                return await super().connect_tcp(address, *how)
        return await super().connect_tcp(last, *how)

    async def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of a host.

        Raises:
            ConnectError: it has none.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self.threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            raise ConnectError(f"{host} is not known: {error}") from error
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def tls() -> ssl.SSLContext:
    """How certificates are verified; made once, since that takes a while."""
    return httpx2.create_ssl_context()
