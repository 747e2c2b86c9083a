"""The analytics app."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Registers the mails to staff."""

    name = "analytics"

    def ready(self) -> None:
        from analytics.alerts import letters as alerts  # noqa: PLC0415 - models must be loaded first
        from analytics.weekly import letters as weekly  # noqa: PLC0415

        alerts.register_kinds()
        weekly.register_kinds()
