"""The checkout app."""

from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    """Connects what checkout does when an order changes, and registers its mails and what it holds about people."""

    name = "checkout"

    def ready(self) -> None:
        from checkout import integrity, letters, personal, receivers, timeline  # noqa: F401, PLC0415 - models must be loaded first

        personal.register_part()
        integrity.register_checks()
        timeline.register_part()
        letters.register_kinds()
