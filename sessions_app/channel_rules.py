"""The channel rules of staff: checked when they are written, held in the process where visits begin."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from threading import Lock

from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils.translation import gettext_lazy as _
from psycopg_pool import PoolTimeout

from sessions_app.channels import NO_RULES, Rules
from sessions_app.models import Channel, ChannelRule

log = logging.getLogger(__name__)
LIFETIME_SECONDS = 30.0
"""So long a process may go on with rules that staff changed in another one."""

Kind = ChannelRule.Kind
HOST = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_-]{2,63}", re.ASCII)


class RuleBook:
    """The rules as this process read them last. One small SELECT when they are `LIFETIME_SECONDS` old, at the start
    of a visit; the other threads go on with the old ones meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rules: Rules | None = None
        self._fresh_until = 0.0
        self._edition = 0
        self._reading = Lock()

    def current(self) -> Rules:
        """The rules. The last known ones while PostgreSQL is away, none if there never were any."""
        if self._rules is not None and self._clock() < self._fresh_until:
            return self._rules
        if not self._reading.acquire(blocking=self._rules is None):
            return self._rules or NO_RULES
        try:
            return self._read()
        finally:
            self._reading.release()

    def forget(self) -> None:
        """Has the rules read again by whoever needs them next: they were changed here."""
        self._edition += 1
        self._fresh_until = 0.0

    def _read(self) -> Rules:
        edition = self._edition
        if self._rules is None or self._clock() >= self._fresh_until:
            try:
                self._rules = read_rules()
            except (OperationalError, PoolTimeout) as error:
                log.warning("the channel rules cannot be read, the last known ones hold: %s", error)
                self._rules = self._rules or NO_RULES
            # Forgotten while they were read: what was read may be from before the change.
            self._fresh_until = self._clock() + LIFETIME_SECONDS if edition == self._edition else 0.0
        return self._rules


book = RuleBook()
current_rules = book.current


def read_rules() -> Rules:
    """The rules as PostgreSQL has them.

    Raises:
        OperationalError, PoolTimeout: it cannot be asked.
    """
    found: dict[str, dict[str, Channel]] = {kind: {} for kind in Kind.values}
    for kind, value, channel in ChannelRule.objects.order_by().values_list("kind", "value", "channel"):
        found[kind][value] = Channel(channel)
    return Rules(hosts=found[Kind.REFERRER_HOST], sources=found[Kind.UTM_SOURCE], mediums=found[Kind.UTM_MEDIUM])


def rule_value(kind: str, given: str) -> str:
    """The value of a rule as visits are compared with it: in lower case, a host without `www.` and in ASCII.

    Raises:
        ValidationError: what is wrong with it, in a sentence.
    """
    value = given.strip().lower()
    if "://" in value:
        raise ValidationError(
            _("This is a whole address. Write the host or the value alone, such as news.example.com.")
        )
    return _host(value) if kind == Kind.REFERRER_HOST else _utm(value)


def _host(value: str) -> str:
    if "/" in value:
        raise ValidationError(_("A host has no path. Write it alone, such as news.example.com."))
    if value.startswith("*"):
        raise ValidationError(_("Leave out the asterisk: a host stands for its subdomains too."))
    try:
        host = value.encode("idna").decode()
    except UnicodeError:
        host = ""
    host = host.rstrip(".").removeprefix("www.")
    if not HOST.fullmatch(host):
        raise ValidationError(
            _("This is no host. Write one with its domain, such as news.example.com, without a port.")
        )
    return host


def _utm(value: str) -> str:
    if "=" in value or "&" in value:
        raise ValidationError(
            _("Write the value alone, without the parameter's name: newsletter, not utm_source=newsletter.")
        )
    return value
