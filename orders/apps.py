"""The orders app."""

from django.apps import AppConfig
from django.core import checks


class OrdersConfig(AppConfig):
    """Registers what orders hold about people, what must agree in them, what is counted, and what mails say of them."""

    name = "orders"

    def ready(self) -> None:
        from orders import counted, integrity, letters, personal, visitor  # noqa: PLC0415 - models must be loaded first
        from orders.checks import check_provider  # noqa: PLC0415 - settings are read first
        from orders.outbox import dead  # noqa: PLC0415

        checks.register(check_provider)
        personal.register_part()
        integrity.register_checks()
        counted.register_counts()
        letters.register_kinds()
        dead.register_pile()
        visitor.register_part()
