"""The client's address is believed only as far as our own proxies vouch for it."""

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from core.net import client_ip


def ip(peer: str, forwarded: str = "") -> str:
    return client_ip(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded))


@pytest.mark.parametrize("forwarded", ["", "1.2.3.4", "1.2.3.4, 5.6.7.8", "nonsense"])
def test_without_proxies_of_ours_only_the_peer_counts(forwarded: str) -> None:
    assert ip("203.0.113.9", forwarded) == "203.0.113.9"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        (2, "1.2.3.4, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "10.0.0.1", "203.0.113.9"),
        (1, "", "203.0.113.9"),
        (1, "1.2.3.4, nonsense", ""),
        (1, " , 198.51.100.1 , ", "198.51.100.1"),
    ],
)
def test_so_many_hops_are_believed_as_proxies_are_ours(
    proxies: int, forwarded: str, address: str, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert ip("203.0.113.9", forwarded) == address


def test_an_ipv4_address_in_ipv6_clothes_is_itself() -> None:
    assert ip("::ffff:203.0.113.9") == "203.0.113.9"


def test_what_is_no_address_is_none() -> None:
    assert ip("unix:") == ""
