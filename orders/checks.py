"""What `manage.py check` says of payment: that whoever is to take the money is there, and has its keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from orders.providers import registry


def check_provider(**_options: Any) -> list[CheckMessage]:
    """PAYMENT_PROVIDER names a provider, and all its settings are there: without one no payment is opened or found."""
    name = settings.PAYMENT_PROVIDER
    if name not in registry.PROVIDERS:
        hint = f"It can be {' or '.join(registry.PROVIDERS)}."
        return [Error(f"PAYMENT_PROVIDER is {name!r}, which is no payment provider.", hint=hint, id="orders.E001")]
    texts = [
        f"{one} is not set: the payment provider {name} cannot be asked."
        for one in registry.missing(registry.named(name))
    ]
    if settings.DEVELOPMENT:
        return [Warning(text, id="orders.W001") for text in texts]
    return [Error(text, id="orders.E002") for text in texts]
