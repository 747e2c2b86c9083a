"""Where an address is, from a file on this machine (`GEOIP_PATH`, a MaxMind City or Country file). No network."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from geoip2.database import Reader
from geoip2.errors import AddressNotFoundError
from maxminddb import InvalidDatabaseError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Country (ISO 3166, two letters) and city in English; "" where not known."""

    country: str = ""
    city: str = ""


NOWHERE = Place()


def locate(ip: str) -> Place:
    """Where the address is; nowhere without a file, and for private, unknown and malformed addresses."""
    address = _address(ip)
    reader = _reader(settings.GEOIP_PATH) if address is not None and address.is_global else None
    if reader is None:
        return NOWHERE
    # Asking a City file for countries raises, and the other way round.
    has_cities = "City" in reader.metadata().database_type
    try:
        found = reader.city(str(address)) if has_cities else reader.country(str(address))
    except (AddressNotFoundError, ValueError):  # the latter for IPv6 in a file that has only IPv4
        return NOWHERE
    city = getattr(found, "city", None)
    return Place(country=found.country.iso_code or "", city=((city and city.name) or "")[:100])


def ip_prefix(ip: str) -> str:
    """The network of an address as text, IPv4 /24 and IPv6 /48 ("203.0.113.0/24"); "" for a malformed one."""
    address = _address(ip)
    if address is None:
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def _address(ip: str) -> IPv4Address | IPv6Address | None:
    """The address without its zone; an IPv4 address that came in IPv6 clothes is IPv4."""
    try:
        found = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(maxsize=1)
def _reader(path: str) -> Reader | None:
    """The file, opened once a process. One that cannot be read costs the place, never the visit."""
    if not path:
        return None
    try:
        reader = Reader(path)
    except (OSError, InvalidDatabaseError) as error:
        log.error("GEOIP_PATH cannot be read, so no visit has a place: %s", error)
        return None
    if not any(kind in reader.metadata().database_type for kind in ("City", "Country")):
        log.error("GEOIP_PATH is a %s file; a City or a Country file is needed", reader.metadata().database_type)
        return None
    return reader
