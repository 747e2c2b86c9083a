"""The project itself, as an app."""

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class ProjectConfig(AppConfig):
    """Registers the checks of what is kept for how long, and of what is left of the demo; sends errors to a Sentry."""

    name = "config"

    def ready(self) -> None:
        from config.checks import check_demo_is_gone  # noqa: PLC0415 - settings are read first
        from config.retention import check_retention  # noqa: PLC0415 - models must be loaded first

        checks.register(check_retention)
        checks.register(check_demo_is_gone, deploy=True)
        if settings.SENTRY_DSN:
            from config import sentry  # noqa: PLC0415 - nobody else pays for it

            sentry.begin()
