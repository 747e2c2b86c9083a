"""The catalog app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers what must agree in the catalog."""

    name = "catalog"

    def ready(self) -> None:
        from catalog import integrity  # noqa: PLC0415 - apps are made ready one after the other

        integrity.register_checks()
