"""The customers app."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Registers its mails, its part of what is held about people, and what is counted; hears of logins."""

    name = "customers"

    def ready(self) -> None:
        from customers import letters, personal, receivers  # noqa: PLC0415 - models must be loaded first
        from customers.services import staff_login  # noqa: PLC0415

        letters.register_kinds()
        personal.register_part()
        receivers.connect()
        staff_login.register_counts()
