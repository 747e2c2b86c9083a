from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from sessions_app import geo
from sessions_app.geo import Place, locate
from tests.geoip import HANOI, LONDON, geoip_file

NETWORKS = {"81.2.69.0/24": LONDON, "2405:4800::/32": HANOI, "0.0.0.0/8": LONDON, "10.0.0.0/8": LONDON}


@pytest.fixture(autouse=True)
def _forget_the_file() -> Iterator[None]:
    geo._look_up.cache_clear()
    geo._say_damaged.cache_clear()
    yield
    geo._look_up.cache_clear()


@pytest.fixture
def city_file(tmp_path: Path, settings: LazySettings) -> None:
    settings.GEOIP_PATH = geoip_file(tmp_path / "city.mmdb", NETWORKS)


@pytest.mark.usefixtures("city_file")
@pytest.mark.parametrize(
    ("ip", "place"),
    [
        ("81.2.69.142", Place("GB", "London")),
        ("::ffff:81.2.69.142", Place("GB", "London")),
        ("::ffff:5102:458e", Place("GB", "London")),
        ("2405:4800::1", Place("VN", "Hanoi")),
        ("2405:4800:0:0:0:0:0:1%eth0", Place("VN", "Hanoi")),
        ("8.8.8.8", Place()),
        ("2001:4860:4860::8888", Place()),
    ],
)
def test_a_city_file_gives_country_and_city(ip: str, place: Place) -> None:
    assert locate(ip) == place


@pytest.mark.usefixtures("city_file")
@pytest.mark.parametrize(
    "ip", ["10.0.0.1", "192.168.0.1", "127.0.0.1", "0.0.0.0", "100.64.0.1", "::ffff:10.0.0.1", "::1", "fd00::1"]
)
def test_a_private_address_has_no_place(ip: str) -> None:
    assert locate(ip) == Place()


@pytest.mark.usefixtures("city_file")
@pytest.mark.parametrize("ip", ["", "crawler.example.com", "81.2.69", "81.2.69.142:80", "[2405:4800::1]", "\0", "é"])
def test_a_malformed_address_has_no_place(ip: str) -> None:
    assert locate(ip) == Place()


@pytest.mark.parametrize("kind", ["GeoLite2-Country", "DBIP-Country-Lite", "GeoIP2-Country"])
def test_a_country_file_gives_the_country(kind: str, tmp_path: Path, settings: LazySettings) -> None:
    networks = {"81.2.69.0/24": {"country": {"iso_code": "GB"}}, "2405:4800::/32": {"country": {"iso_code": "VN"}}}
    settings.GEOIP_PATH = geoip_file(tmp_path / "country.mmdb", networks, kind=kind)

    assert locate("81.2.69.142") == Place("GB", "")
    assert locate("2405:4800::1") == Place("VN", "")


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country": {"iso_code": "GB"}}, Place("GB", "")),
        ({"country": {"iso_code": "GB"}, "city": {"names": {"de": "Londen"}}}, Place("GB", "")),
        ({"city": {"names": {"en": "London"}}}, Place("", "London")),
        ({"continent": {"code": "EU"}}, Place()),
        ({"country": {"iso_code": "GBR"}, "city": {"names": {"en": "x" * 200}}}, Place("GB", "x" * 100)),
    ],
    ids=["no city", "no english name", "no country", "neither", "too long"],
)
def test_what_a_record_lacks_is_empty(
    record: dict[str, Any], place: Place, tmp_path: Path, settings: LazySettings
) -> None:
    settings.GEOIP_PATH = geoip_file(tmp_path / "city.mmdb", {"81.2.69.0/24": record})

    assert locate("81.2.69.142") == place


def test_a_file_of_ipv4_alone_knows_no_ipv6(tmp_path: Path, settings: LazySettings) -> None:
    settings.GEOIP_PATH = geoip_file(tmp_path / "city.mmdb", {"81.2.69.0/24": LONDON}, version=4)

    assert locate("81.2.69.142") == Place("GB", "London")
    assert locate("2405:4800::1") == Place()


def test_without_a_file_nothing_has_a_place(settings: LazySettings) -> None:
    settings.GEOIP_PATH = ""

    assert locate("81.2.69.142") == Place()


def wrong_file(kind: str, path: Path) -> None:
    """Something that is not what GEOIP_PATH should name."""
    match kind:
        case "missing":
            path.unlink(missing_ok=True)
        case "folder":
            path.mkdir()
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_bytes(b"no database")
        case "truncated":
            geoip_file(path, NETWORKS)
            whole = path.read_bytes()
            path.unlink()
            path.write_bytes(whole[: len(whole) // 2])
        case _:
            geoip_file(path, NETWORKS, kind=kind)


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "empty", "text", "truncated", "GeoLite2-ASN", "GeoIP2-Connection-Type"]
)
def test_a_file_that_cannot_be_used_costs_the_place_only(
    kind: str, tmp_path: Path, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    wrong_file(kind, tmp_path / "wrong.mmdb")
    settings.GEOIP_PATH = str(tmp_path / "wrong.mmdb")

    assert locate("81.2.69.142") == locate("81.2.69.142") == Place()
    assert len(caplog.records) == 1  # said once, not at each visit
    assert "GEOIP_PATH" in caplog.text


def test_a_file_whose_data_are_damaged_costs_the_place_only(
    tmp_path: Path, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "damaged.mmdb"
    geoip_file(path, {"81.2.69.0/24": LONDON})
    whole = path.read_bytes()
    nodes = whole.index(bytes(16))  # what separates the search tree from the data
    path.unlink()
    path.write_bytes(b"\xff" * nodes + whole[nodes:])
    settings.GEOIP_PATH = str(path)

    assert locate("81.2.69.142") == locate("81.2.69.142") == Place()
    assert len(caplog.records) == 1
    assert "GEOIP_PATH" in caplog.text


@given(st.text(max_size=60))
def test_no_text_breaks_it(ip: str) -> None:
    assert locate(ip) == Place()
