"""GeoIP files of the tests' own."""

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped] # comes with mmdb-writer, without types

LONDON = {"country": {"iso_code": "GB"}, "city": {"names": {"en": "London", "de": "London"}}}
HANOI = {"country": {"iso_code": "VN"}, "city": {"names": {"en": "Hanoi", "vi": "Hà Nội"}}}


def geoip_file(path: Path, networks: dict[str, Any], *, kind: str = "GeoLite2-City", version: int = 6) -> str:
    """Writes a MaxMind file of these networks and returns its path. `version=4` has no room for IPv6."""
    writer = MMDBWriter(version, kind, ["en"], "of a test", ipv4_compatible=version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return str(path)
