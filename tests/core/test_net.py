"""What headers say is believed only as far as our own proxies vouch for it, and stored only as text."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from core.net import client_ip, ip_prefix, printable

PEER = "203.0.113.9"
CLIENT = "198.51.100.1"
SPOOFED = "192.0.2.66"


def ip(peer: str, forwarded: str | None = None, header: str = "x-forwarded-for") -> str:
    headers = {} if forwarded is None else {header: forwarded}
    return client_ip(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


@pytest.mark.parametrize("forwarded", [None, "", "1.2.3.4", "1.2.3.4, 5.6.7.8", "nonsense", ",,,", "[::1]:443"])
def test_without_proxies_of_ours_only_the_peer_counts(forwarded: str | None) -> None:
    assert ip(PEER, forwarded) == PEER


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, CLIENT, CLIENT),
        (1, f"{SPOOFED}, {CLIENT}", CLIENT),
        (1, f"{SPOOFED},{CLIENT}", CLIENT),
        (2, f"{CLIENT}, 10.0.0.1", CLIENT),
        (2, f"{SPOOFED}, {CLIENT}, 10.0.0.1", CLIENT),
        (3, f"{SPOOFED}, {SPOOFED}, {CLIENT}, 10.0.0.1, 10.0.0.2", CLIENT),
        (1, " , 198.51.100.1", CLIENT),
        (2, f"unknown,,{CLIENT} , unix:", CLIENT),
    ],
)
def test_so_many_hops_are_believed_as_proxies_are_ours(
    proxies: int, forwarded: str, address: str, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert ip(PEER, forwarded) == address


@pytest.mark.parametrize(("proxies", "forwarded"), [(1, None), (1, ""), (1, "  "), (2, "10.0.0.1"), (3, "a, b")])
def test_with_fewer_hops_than_proxies_the_peer_counts(
    proxies: int, forwarded: str | None, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert ip(PEER, forwarded) == PEER


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_the_header_forwarded_is_not_read(proxies: int, settings: LazySettings) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert ip(PEER, f"for={SPOOFED};proto=https, for={SPOOFED}", header="forwarded") == PEER


@pytest.mark.parametrize(
    "hop", ["nonsense", "unknown", "_hidden", "", "1.2.3", "1.2.3.999", "[::1", "::1]", "[]:80", "1.2.3.4:", "\0", "é"]
)
def test_a_malformed_hop_is_no_address_and_what_stands_left_of_it_is_not_read(hop: str, settings: LazySettings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert ip(PEER, f"{SPOOFED}, {hop}") == ""


@pytest.mark.parametrize("hop", ["10.1.2.3", "192.168.0.7", "127.0.0.1", "::1", "fd00::7"])
def test_a_private_hop_is_the_client(hop: str, settings: LazySettings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert ip(PEER, f"{SPOOFED}, {hop}") == hop


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.9:1234", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
    ],
)
def test_an_address_is_read_in_every_spelling(hop: str, address: str, settings: LazySettings) -> None:
    assert ip(hop) == address
    settings.TRUSTED_PROXY_COUNT = 1
    assert ip(PEER, f"{SPOOFED}, {hop}") == address


@pytest.mark.parametrize("filler", [f"{SPOOFED}, ", ",", "x", "[", ":", " "])
def test_a_huge_header_changes_nothing(filler: str, settings: LazySettings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert ip(PEER, filler * (64 * 1024 // len(filler)) + f",{CLIENT}") == CLIENT


def test_a_huge_hop_is_no_address(settings: LazySettings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert ip(PEER, "1" * 64 * 1024) == ""


def test_what_is_no_address_is_none() -> None:
    assert ip("unix:") == ""
    assert ip("") == ""


@given(st.text(max_size=80))
def test_no_header_breaks_it(forwarded: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.TRUSTED_PROXY_COUNT", 2)
        assert "," not in ip(PEER, forwarded)


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\x7f", "\n", "\x85", "\ud800", "\u202e"])
def test_what_cannot_be_stored_or_seen_is_left_out(bad: str) -> None:
    assert printable(f"Mäuse {bad}猫") == "Mäuse 猫"


@given(st.text() | st.binary().map(lambda sent: sent.decode("latin-1")))
def test_what_is_left_of_any_text_is_taken_by_postgresql(value: str) -> None:
    assert "\0" not in printable(value)
    printable(value).encode()


@pytest.mark.parametrize(
    ("ip", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("10.1.2.3", "10.1.2.0/24"),
        ("::1", "::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("203.0.113", ""),
        ("203.0.113.777", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_prefix_is_24_or_48_bits(ip: str, prefix: str) -> None:
    assert ip_prefix(ip) == prefix


@given(st.ip_addresses())
def test_an_address_lies_in_its_prefix(ip: Any) -> None:
    network = ip_network(ip_prefix(str(ip)))

    assert getattr(ip, "ipv4_mapped", None) or ip in network


@given(st.text(max_size=60))
def test_no_text_breaks_the_prefix(text: str) -> None:
    assert ip_prefix(text) == "" or ip_network(ip_prefix(text))
