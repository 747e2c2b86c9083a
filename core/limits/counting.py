"""Counting a request: in Redis, or where it matters in PostgreSQL; said once in the log when a limit is reached."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from core import clock
from core.limits import fallback, windows
from core.limits.counted import Counted, RateLimitedError, binding
from core.limits.policies import (
    KEPT_IN_POSTGRESQL,
    KEPT_WITHOUT_REDIS,
    Counter,
    counter,
    counter_of_key,
    is_never_limited,
)
from core.net import client_ip, ip_prefix
from core.redis import RedisAwayError

log = logging.getLogger(__name__)


def hit(name: str, key: str, *, address: str, endpoint: str) -> None:
    """Counts an act on something that is not its client, such as a login on the e-mail address that it names.

    To be called before the act is tried and not within a transaction, so that a failure counts as well. The key is
    counted whether it is known or not, and a success takes nothing back: else whoever counts along would learn of both.
    `address` is the client's: networks that are never limited are not limited here either. `endpoint` is where that was
    asked, as `endpoint_of` names it.

    Raises:
        RateLimitedError: one too many.
        OperationalError: neither Redis nor PostgreSQL can be asked; for some limits, PostgreSQL cannot.
    """
    if is_never_limited(address):
        return
    count = _count_for_sure if name in KEPT_IN_POSTGRESQL else _count
    counted = count([counter_of_key(name, key)], address, endpoint)
    if counted is not None and counted.refused:
        raise RateLimitedError(counted)


@dataclass
class Allowance:
    """What some limits let a request do. It is counted once, in one trip to Redis: on the way by a script that does
    something else for the request, else when `check` is called.

    A limit that refuses ends it: the later ones do not count the request. `counted` is then how the client stands with
    the limit that binds first; None if Redis is away and none of these limits is kept without it.
    """

    counters: Sequence[Counter]
    address: str
    endpoint: str
    counted: Counted | None = None
    asked: bool = False

    @property
    def keys(self) -> list[str]:
        """What a script needs for `windows.COUNTING`."""
        return windows.keys_of(self.counters, now=clock.now())

    @property
    def words(self) -> list[str | int]:
        """What it is told."""
        return windows.words_of(self.counters, self.endpoint)

    def take(self, answer: Sequence[int]) -> None:
        """A script has counted the request.

        Raises:
            RateLimitedError: one too many.
        """
        counted = windows.counted_of(self.counters, answer)
        self.asked, self.counted = True, told(binding(counted), self.address)
        self.check()

    def check(self) -> None:
        """Counts the request unless that was done.

        Raises:
            RateLimitedError: one too many.
            OperationalError: neither Redis nor PostgreSQL can be asked, for a limit that is kept without Redis.
        """
        if not self.asked:
            self.asked, self.counted = True, _count(self.counters, self.address, self.endpoint)
        if self.counted is not None and self.counted.refused:
            raise RateLimitedError(self.counted)


def allowance(request: HttpRequest, *names: str, customer: str = "", endpoint: str = "") -> Allowance | None:
    """The request's, under the limits of these names; None in a network that is never limited.

    `endpoint` is for a request that no resolver has seen.
    """
    address = client_ip(request)
    if is_never_limited(address):
        return None
    counters = [counter(name, address=address, customer=customer) for name in names]
    return Allowance(counters, address, endpoint or endpoint_of(request))


def endpoint_of(request: HttpRequest) -> str:
    """What was asked, as its route: a path may hold anything, routes are so many and no more."""
    match = request.resolver_match
    return f"/{match.route}" if match else ""


def _count(counters: Sequence[Counter], address: str, endpoint: str) -> Counted | None:
    try:
        counted = windows.count(counters, endpoint=endpoint, now=clock.now())
    except RedisAwayError:
        counted = [fallback.count(each) for each in counters if each.policy.name in KEPT_WITHOUT_REDIS]
    return told(binding(counted), address) if counted else None


def _count_for_sure(counters: Sequence[Counter], address: str, endpoint: str) -> Counted | None:
    (only,) = counters
    counted = fallback.count(only)
    if counted.refused:
        windows.note_refusal(only, endpoint, now=clock.now())
    return told(counted, address)


def told(counted: Counted, address: str) -> Counted:
    """The same, written to the log if it is the first refusal of its window."""
    if counted.first_refused:
        log.warning("limit %s is reached, for %d s, from %s", counted.policy.name, counted.seconds, ip_prefix(address))
    return counted
