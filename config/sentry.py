"""Errors to a Sentry, if there is one (SENTRY_DSN): what the log says as an error, with its trace, and no more.

The log is where all errors come together, of requests, jobs, beat and commands, and it names nobody. So the library
hooks into nothing else: it sees no request, no statement and no argument of a job. Imported only where it is used
(docs/decisions/0025).
"""

from __future__ import annotations

from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.types import Event, Hint

from core import logs

OF_THE_ERROR = ("event_id", "timestamp", "platform", "level", "logger", "exception")
OF_THE_SHOP = ("release", "environment", "server_name", "sdk")
TAGS = ("request_id", "order", "job", "job_id")
"""The visit is nobody else's business."""


def begin() -> None:
    """From here on errors are sent, from a thread of the process's own.

    Raises:
        sentry_sdk.utils.BadDsn: SENTRY_DSN is none.
    """
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"footfall@{settings.VERSION}",
        environment=settings.ENVIRONMENT,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AtexitIntegration(callback=lambda pending, timeout: None), ExcepthookIntegration()],
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=discreet,
    )


def discreet(event: Event, hint: Hint) -> Event | None:
    """What may leave of an event: nothing of the request but its method and route, nothing of anybody."""
    record = hint.get("log_record")
    request = getattr(record, "request", None)
    if event.get("logger") == "django.request" and not event.get("exception"):
        return None  # it says once more, without the reason, that there was an error
    marks = logs.marks_of_now()
    sent: Any = {name: value for name, value in event.items() if name in (*OF_THE_ERROR, *OF_THE_SHOP)}
    # Not what the text was made of: Celery's line of a job that failed holds the job's arguments, though it says none.
    sent["logentry"] = {name: text for name, text in event.get("logentry", {}).items() if name != "params"}
    sent["tags"] = {name: str(marks[name]) for name in TAGS if name in marks}
    if "job" in marks:
        sent["transaction"] = str(marks["job"])
    elif request is not None and request.resolver_match is not None:
        sent["transaction"] = f"{request.method} {request.resolver_match.route}"
    found: Event = sent
    return found
