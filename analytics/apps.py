"""The analytics app."""

from django.apps import AppConfig

from core.postgresql import replica


class AnalyticsConfig(AppConfig):
    """Registers the mails to staff, and whose rows are figures that a replica may tell."""

    name = "analytics"

    def ready(self) -> None:
        from analytics.alerts import letters as alerts  # noqa: PLC0415 - models must be loaded first
        from analytics.models import DailyBreakdown, DailyMetrics, HourlyMetrics, ReturnsOfDay  # noqa: PLC0415
        from analytics.weekly import letters as weekly  # noqa: PLC0415
        from orders.models import Order  # noqa: PLC0415
        from sessions_app.models import CrawlerDay, SessionEvent, VisitorSession  # noqa: PLC0415

        alerts.register_kinds()
        weekly.register_kinds()
        replica.figures.update((DailyBreakdown, DailyMetrics, HourlyMetrics, ReturnsOfDay))
        replica.figures.update((CrawlerDay, Order, SessionEvent, VisitorSession))
