"""The payment providers, and which of them takes what. PAYMENT_PROVIDER opens new attempts; old ones keep their own."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from orders.providers import calls
from orders.providers.contract import PollError, Provider, setting

PROVIDERS = {
    "billing": "orders.providers.billing_service",
    "stripe": "orders.providers.stripe",
}
"""By name, which attempts and webhooks are stored with; at most 20 letters. A module is loaded when it is needed."""


def named(name: str) -> Provider:
    """The provider of this name.

    Raises:
        KeyError: there is none.
    """
    return cast("Provider", import_module(PROVIDERS[name]))


def to_open(name: str) -> Provider:
    """Who opens new attempts: the one that PAYMENT_PROVIDER names.

    Raises:
        BillingUnavailableError: it is not known, or lacks its keys. The system check says so too.
    """
    try:
        return provider_of(name)
    except PollError as error:
        raise calls.useless(error.kind, f"no payment can be opened: {error}") from error


def provider_of(name: str) -> Provider:
    """Who serves an attempt that was opened there.

    Raises:
        PollError: it is not known (any more), or lacks its keys.
    """
    if name not in PROVIDERS:
        raise PollError(f"the provider {name} is not known", "not_configured")
    provider = named(name)
    if lacking := missing(provider):
        raise PollError(f"{' and '.join(lacking)} not set", "not_configured")
    return provider


def any_configured() -> bool:
    """Whether there is a provider that can be asked at all."""
    return any(not missing(named(name)) for name in PROVIDERS)


def missing(provider: Provider) -> list[str]:
    """The settings that a provider cannot do without and has not got."""
    return [name for name in provider.SETTINGS if not setting(name)]
