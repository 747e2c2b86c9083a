"""The sandbox says "paid" to whoever presses a button, so it never stands beside a shop that ships goods."""

from typing import Any

from django.conf import settings
from django.core.checks import Error


def check_development(**options: Any) -> list[Error]:
    """`billing_sandbox.E001`: the app is installed outside development."""
    if settings.DEVELOPMENT:
        return []
    hint = "Unset BILLING_SANDBOX, or set FOOTFALL_ENV=development if this is a shop to try."
    return [
        Error(
            "The billing sandbox takes no real money and cannot run in production.",
            hint=hint,
            id="billing_sandbox.E001",
        )
    ]
