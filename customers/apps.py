"""The customers app."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Registers its mails and its part of what is held about people."""

    name = "customers"

    def ready(self) -> None:
        from customers import letters, personal  # noqa: PLC0415 - models must be loaded first

        letters.register_kinds()
        personal.register_part()
