"""The core app."""

from django.apps import AppConfig
from django.core import checks


class CoreConfig(AppConfig):
    """Registers the check of the limits, and what the mails hold about people."""

    name = "core"

    def ready(self) -> None:
        from core import mail_personal  # noqa: PLC0415 - models must be loaded first
        from core.limits.checks import check_limits  # noqa: PLC0415

        checks.register(check_limits)
        mail_personal.register_part()
