"""What the headers of a request say, believed only as far as it can be: the client's address, text of a stranger's."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+", re.ASCII)
"""Addresses as some proxies write them: `[2001:db8::1]`, `[2001:db8::1]:443`, `203.0.113.9:1234`."""


def client_ip(request: HttpRequest) -> str:
    """The address that the outermost of `TRUSTED_PROXY_COUNT` proxies saw; with 0 the peer's own.

    `X-Forwarded-For` grows to the right, a hop a proxy, so what a client wrote itself stands further left and is never
    read; neither is `Forwarded`. A header with fewer hops did not pass all our proxies: the peer's address counts then.
    Returns "" where there should be an address and is none, such as `unknown`.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    proxies = settings.TRUSTED_PROXY_COUNT
    if not proxies or not forwarded.strip():
        return _address(request.META.get("REMOTE_ADDR", ""))
    # An empty hop is one too: a proxy of ours that left it empty must not make an entry of the client's count.
    hops = forwarded.rsplit(",", proxies)
    return _address(hops[-proxies] if len(hops) >= proxies else request.META.get("REMOTE_ADDR", ""))


def ip_prefix(ip: str) -> str:
    """The network of an address as text, IPv4 /24 and IPv6 /48 ("203.0.113.0/24"); "" for a malformed one."""
    address = _address(ip)
    return str(ip_network(f"{address}/{48 if ':' in address else 24}", strict=False)) if address else ""


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Whether one of these networks of the settings has the address. "" is in none."""
    return bool(networks and address) and _is_within(address, tuple(networks))


def parsed_network(text: str) -> IPv4Network | IPv6Network:
    """A network from the text of a setting, such as `10.0.0.0/8` or a single address.

    Raises:
        ValueError: it is none.
    """
    return ip_network(text.strip())


def printable(text: str) -> str:
    """The text without what PostgreSQL refuses or nobody can see: null bytes, control characters, half characters."""
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())


@lru_cache(maxsize=8192)
def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(address) in network for network in map(parsed_network, networks))


@lru_cache(maxsize=1024)
def _address(hop: str) -> str:
    """The address of a hop, without brackets, port and zone; IPv4 in IPv6 clothes is IPv4; "" for something else."""
    hop = hop.strip()
    if found := WITH_PORT.fullmatch(hop):
        hop = found[1] or found[2] or ""
    try:
        address = ip_address(hop.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
