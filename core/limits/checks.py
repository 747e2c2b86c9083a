"""System checks of the limits in the settings."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from core.limits.policies import MalformedLimitError, parsed, parsed_network


def check_limits(**_more: Any) -> list[CheckMessage]:
    """Every limit and every network can be read."""
    anonymous = {f"RATE_LIMIT_{name.upper()}": text for name, text in settings.RATE_LIMITS.items()}
    networks = [("RATE_LIMIT_ALLOWLIST", text) for text in settings.RATE_LIMIT_ALLOWLIST]
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
        except MalformedLimitError as error:
            found.append(Error(f"{name}: {error}.", id=code))
    return found
