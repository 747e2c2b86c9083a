"""The checkout app."""

from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    """Connects what checkout does when an order changes."""

    name = "checkout"

    def ready(self) -> None:
        from checkout import receivers  # noqa: F401, PLC0415 - models must be loaded first
