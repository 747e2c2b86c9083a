"""What the settings say of limits: how many requests in which time, of whom, and who is never limited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import ip_network

from django.conf import settings
from django.utils.crypto import salted_hmac
from limits import parse

from core.net import is_within

FORM = re.compile(r"[1-9]\d{0,9}/([1-9]\d{0,9})?[a-z]+", re.ASCII)
"""What is read of the library's grammar: it takes `0` for a limit, and `10/0minute` for `10/minute`."""
LONGEST_SECONDS = 24 * 60 * 60
IPV6_OF_ONE_CLIENT = 64
"""A household is given that much: counting single addresses would count nobody."""
KEPT_WITHOUT_REDIS = frozenset(
    {"coupon", "confirm", "login", "login_email", "order_lookup", "register", "password_reset"}
)
"""What tries something out or sends mail. The others are open while Redis is away: the shop goes on."""
KEPT_IN_POSTGRESQL = frozenset({"staff_login", "staff_code"})
"""What is counted there at all times: few requests, whose limit holds through any outage and restart of Redis."""


class MalformedLimitError(ValueError):
    """A limit in the settings that cannot be read."""


@dataclass(frozen=True)
class Policy:
    """`amount` requests in `seconds` from the first on; `name` is what clients see."""

    name: str
    amount: int
    seconds: int

    @cached_property
    def headers(self) -> dict[str, str]:
        """What is told of it to each client alike."""
        limit = f'"{self.name}";q={self.amount};w={self.seconds}'
        return {"RateLimit-Policy": limit, "X-RateLimit-Limit": str(self.amount)}


@dataclass(frozen=True)
class Counter:
    """A policy as it stands for one client. `client` is a digest: no address and no e-mail is kept."""

    policy: Policy
    client: str

    @cached_property
    def key(self) -> str:
        """Its key in Redis. All carry the hash tag of visits, so that one script may touch all that a request does."""
        return f"limit:{{visits}}:{self.policy.name}:{self.client}"


def counter(name: str, *, address: str, customer: str = "") -> Counter:
    """The counter of a request: of the customer if there is one and the limit is by customer, else of the address."""
    by_customer: Mapping[str, str] = settings.RATE_LIMITS_CUSTOMER
    if customer and name in by_customer:
        return counter_of(name, by_customer[name], f"customer {customer}", settings.SECRET_KEY)
    return counter_of(name, settings.RATE_LIMITS[name], network_of(address), settings.SECRET_KEY)


def counter_of_key(name: str, key: str) -> Counter:
    """The counter of something else than a client, such as an e-mail address in any spelling of its letters.

    Lowered letter by letter, as PostgreSQL does: to it İ is an i, to Python an i with another dot above.
    """
    lowered = "".join(letter.lower()[0] for letter in key.strip())
    return counter_of(name, settings.RATE_LIMITS[name], f"key {lowered}", settings.SECRET_KEY)


@lru_cache(maxsize=8192)
def counter_of(name: str, limit: str, client: str, secret: str) -> Counter:
    """The counter of whoever a client is called, the same for each of its requests."""
    return Counter(parsed(name, limit), digest(client, secret))


@lru_cache(maxsize=256)
def parsed(name: str, text: str) -> Policy:
    """A policy from the text of its setting, such as `10/5minute`.

    Raises:
        MalformedLimitError: it is none, or longer than a day.
    """
    try:
        item = parse(text) if FORM.fullmatch(text) else None
    except ValueError:
        item = None
    if item is None or item.get_expiry() > LONGEST_SECONDS:
        raise MalformedLimitError(f"{text!r} is no limit; write it like 10/5minute (a day at most)")
    return Policy(name, item.amount, item.get_expiry())


def is_never_limited(address: str) -> bool:
    """Whether `RATE_LIMIT_ALLOWLIST` has the address."""
    return is_within(address, settings.RATE_LIMIT_ALLOWLIST)


@lru_cache(maxsize=8192)
def network_of(address: str) -> str:
    """Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64. "" counts as one client."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/{IPV6_OF_ONE_CLIENT}", strict=False))


def digest(client: str, secret: str) -> str:
    """The client under a key, so that neither Redis nor PostgreSQL has an address in it."""
    text = client.encode("utf-8", "replace")
    return salted_hmac("footfall.limits", text, secret=secret, algorithm="sha256").hexdigest()[:24]
