"""Where an address is, from a file on this machine (`GEOIP_PATH`, a MaxMind City or Country file). No network."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from geoip2.database import Reader
from geoip2.errors import AddressNotFoundError
from geoip2.models import City, Country
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
    look_up = _look_up(settings.GEOIP_PATH)
    address = _address(ip) if look_up else None
    if look_up is None or address is None or not address.is_global:
        return NOWHERE
    try:
        found = look_up(str(address))
    except (AddressNotFoundError, ValueError):  # the latter for IPv6 in a file that has only IPv4
        return NOWHERE
    except (InvalidDatabaseError, TypeError) as error:
        _say_damaged(settings.GEOIP_PATH, str(error))
        return NOWHERE
    city = getattr(found, "city", None)
    return Place(country=(found.country.iso_code or "")[:2], city=((city and city.name) or "")[:100])


def _address(ip: str) -> IPv4Address | IPv6Address | None:
    """The address without its zone; an IPv4 address that came in IPv6 clothes is IPv4."""
    try:
        found = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(maxsize=1)
def _look_up(path: str) -> Callable[[str], City | Country] | None:
    """How the file is asked; it is opened once a process. One that cannot be read costs the place, never the visit."""
    if not path:
        return None
    try:
        reader = Reader(path)
    except (OSError, ValueError, InvalidDatabaseError) as error:
        log.error("GEOIP_PATH cannot be read, so no visit has a place: %s", error)
        return None
    # Asking a City file for countries raises, and the other way round.
    kind = reader.metadata().database_type
    if "City" in kind:
        return reader.city
    if "Country" in kind:
        return reader.country
    log.error("GEOIP_PATH is a %s file; a City or a Country file is needed", kind)
    return None


@lru_cache(maxsize=1)
def _say_damaged(path: str, error: str) -> None:
    """Once, not at each visit."""
    log.error("GEOIP_PATH is damaged, so visits have no place: %s: %s", path, error)
