"""The analytics app."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Registers the mails to staff."""

    name = "analytics"

    def ready(self) -> None:
        from analytics.alerts import letters  # noqa: PLC0415 - models must be loaded first

        letters.register_kinds()
