"""The visits app."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Named so that it cannot be taken for Django's own sessions; staff call it visits."""

    name = "sessions_app"
    verbose_name = "Visits"
