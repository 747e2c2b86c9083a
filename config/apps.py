"""The project itself, as an app."""

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class ProjectConfig(AppConfig):
    """Registers the check of what is kept for how long, and sends errors to a Sentry if there is one."""

    name = "config"

    def ready(self) -> None:
        from config.retention import check_retention  # noqa: PLC0415 - models must be loaded first

        checks.register(check_retention)
        if settings.SENTRY_DSN:
            from config import sentry  # noqa: PLC0415 - nobody else pays for it

            sentry.begin()
