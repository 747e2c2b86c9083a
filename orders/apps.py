"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Registers what orders hold about people, what must agree in them, and what is counted of them."""

    name = "orders"

    def ready(self) -> None:
        from orders import counted, integrity, personal  # noqa: PLC0415 - models must be loaded first

        personal.register_part()
        integrity.register_checks()
        counted.register_counts()
