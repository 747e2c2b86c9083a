"""The project itself, as an app."""

from django.apps import AppConfig
from django.core import checks


class ProjectConfig(AppConfig):
    """Registers the check of what is kept for how long."""

    name = "config"

    def ready(self) -> None:
        from config.retention import check_retention  # noqa: PLC0415 - models must be loaded first

        checks.register(check_retention)
