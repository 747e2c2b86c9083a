"""System checks of the limits and the networks in the settings."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from core.limits.policies import parsed
from core.net import parsed_network

ALLOWLISTS = ("RATE_LIMIT_ALLOWLIST", "METRICS_ALLOWLIST")


def check_limits(**_more: Any) -> list[CheckMessage]:
    """Every limit and every network can be read."""
    anonymous = {f"RATE_LIMIT_{name.upper()}": text for name, text in settings.RATE_LIMITS.items()}
    networks = [(name, text) for name in ALLOWLISTS for text in getattr(settings, name)]
    customers = {f"RATE_LIMIT_{name.upper()}_CUSTOMER": text for name, text in settings.RATE_LIMITS_CUSTOMER.items()}
    return [
        *refusals("core.E001", (anonymous | customers).items(), lambda text: parsed("", text)),
        *refusals("core.E002", networks, parsed_network),
    ]


def refusals(code: str, named: Iterable[tuple[str, str]], read: Callable[[str], object]) -> list[CheckMessage]:
    """What cannot be read, each with the setting that says it."""
    found: list[CheckMessage] = []
    for name, text in named:
        try:
            read(text)
        except ValueError as error:
            found.append(Error(f"{name}: {error}.", id=code))
    return found
