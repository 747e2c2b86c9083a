"""What `manage.py check --deploy` says of settings that a shop of its own must not leave as the demo has them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

PAGES = ("BILLING_RETURN_URL", "ACCOUNT_URL", "CART_URL")
"""Where shoppers are sent to: after paying, and by the links in mails."""


def check_demo_is_gone(**_more: Any) -> list[CheckMessage]:
    """Nobody is sent to the pages of the demo shop, which are not there in production, or told its name."""
    if settings.DEVELOPMENT:
        return []
    demo = f"{settings.PUBLIC_URL}/shop/"
    texts = [f"{name} leads to the demo shop, which is not there." for name in PAGES if is_in(demo, name)]
    if settings.SHOP_NAME == settings.DEMO_NAME:
        texts.append(f"SHOP_NAME is not set: mails and payments are of {settings.DEMO_NAME!r}.")
    if settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        texts.append(f"DEFAULT_FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL}: few mail servers take that.")
    return [Warning(text, hint=".env.example has it.", id="config.W001") for text in texts]


def is_in(folder: str, name: str) -> bool:
    """Whether the address in a setting is below another."""
    address: str = getattr(settings, name)
    return address.startswith(folder)
