"""The visits app."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Named so that it cannot be taken for Django's own sessions; staff call it visits."""

    name = "sessions_app"
    verbose_name = "Visits"

    def ready(self) -> None:
        from sessions_app import personal  # noqa: PLC0415 - models must be loaded first

        personal.register_part()
