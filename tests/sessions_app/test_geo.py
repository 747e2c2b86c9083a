from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions_app import geo
from sessions_app.geo import Place, ip_prefix, locate

UINT16, UINT32, UINT64 = 5, 6, 9
LONDON = {"country": {"iso_code": "GB"}, "city": {"names": {"en": "London"}}}
HANOI = {"country": {"iso_code": "VN"}, "city": {"names": {"en": "Hanoi"}}}


def encode(value: Any) -> bytes:
    """A value in the MaxMind DB format: text, map, array, or a number as (type, value)."""
    if isinstance(value, dict):
        body = b"".join(encode(key) + encode(item) for key, item in value.items())
        return bytes([7 << 5 | len(value)]) + body
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(encode, value))
    if isinstance(value, str):
        return bytes([2 << 5 | len(value)]) + value.encode()
    kind: int
    number: int
    kind, number = value
    data = number.to_bytes(2 if kind == UINT16 else 4)
    return bytes([kind << 5 | len(data)] if kind < 8 else [len(data), kind - 7]) + data


def database(kind: str, networks: dict[str, Any]) -> bytes:
    """A MaxMind file of these networks; IPv4 lies in ::/96 as in the real ones."""
    nodes: list[list[int | None]] = [[None, None]]
    data, leaves = b"", []
    for text, value in networks.items():
        network: IPv4Network | IPv6Network = ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0128b}"[:length]
        node = 0
        for bit in map(int, bits[:-1]):
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit] or 0
        leaves.append((node, int(bits[-1]), len(data)))
        data += encode(value)
    for node, bit, offset in leaves:
        nodes[node][bit] = len(nodes) + 16 + offset
    records = (len(nodes) if record is None else record for node in nodes for record in node)
    tree = b"".join(record.to_bytes(3) for record in records)
    about = {
        "node_count": (UINT32, len(nodes)),
        "record_size": (UINT16, 24),
        "ip_version": (UINT16, 6),
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1),
        "description": {"en": "x"},
    }
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encode(about)


@pytest.fixture(autouse=True)
def _forget_the_file() -> Iterator[None]:
    geo._reader.cache_clear()
    yield
    geo._reader.cache_clear()


@pytest.fixture
def city_file(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "city.mmdb"
    path.write_bytes(database("GeoLite2-City", {"81.2.69.0/24": LONDON, "2405:4800::/32": HANOI}))
    settings.GEOIP_PATH = str(path)


@pytest.mark.usefixtures("city_file")
@pytest.mark.parametrize(
    ("ip", "place"),
    [
        ("81.2.69.142", Place("GB", "London")),
        ("::ffff:81.2.69.142", Place("GB", "London")),
        ("2405:4800::1", Place("VN", "Hanoi")),
        ("8.8.8.8", Place()),
        ("192.168.0.1", Place()),
        ("127.0.0.1", Place()),
        ("fe80::1%eth0", Place()),
        ("crawler.example.com", Place()),
        ("", Place()),
    ],
)
def test_a_city_file_gives_country_and_city(ip: str, place: Place) -> None:
    assert locate(ip) == place


def test_a_country_file_gives_the_country(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "country.mmdb"
    path.write_bytes(database("DBIP-Country-Lite", {"81.2.69.0/24": {"country": {"iso_code": "GB"}}}))
    settings.GEOIP_PATH = str(path)

    assert locate("81.2.69.142") == Place("GB", "")


def test_without_a_file_nothing_has_a_place(settings: Any) -> None:
    settings.GEOIP_PATH = ""

    assert locate("81.2.69.142") == Place()


@pytest.mark.parametrize("content", [None, b"no database", database("GeoLite2-ASN", {"81.2.69.0/24": LONDON})])
def test_a_file_that_cannot_be_used_costs_the_place_only(
    content: bytes | None, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "wrong.mmdb"
    if content is not None:
        path.write_bytes(content)
    settings.GEOIP_PATH = str(path)

    assert locate("81.2.69.142") == locate("81.2.69.142") == Place()
    assert len(caplog.records) == 1  # said once, not at each visit


@pytest.mark.parametrize(
    ("ip", "prefix"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("203.0.113", ""),
        ("203.0.113.777", ""),
        ("", ""),
    ],
)
def test_the_prefix_is_24_or_48_bits(ip: str, prefix: str) -> None:
    assert ip_prefix(ip) == prefix


@given(st.ip_addresses())
def test_an_address_lies_in_its_prefix(ip: Any) -> None:
    network = ip_network(ip_prefix(str(ip)))

    assert getattr(ip, "ipv4_mapped", None) or ip in network
