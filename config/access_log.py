"""The web process's line for each request, without what it may tell of people: `gunicorn --logger-class`."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any

from gunicorn.glogging import Logger

from core.net import ip_prefix

TOKEN = re.compile(r"(?<=/reminders/unsubscribe/)[^/]+")
"""The one that must stand in a path: mail programs know no other way (RFC 8058)."""
prefix = lru_cache(maxsize=1024)(ip_prefix)


class DiscreetLogger(Logger):
    """gunicorn's, with networks for addresses, and paths without what follows a `?`: staff search for names there."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What a line may hold, whatever format is asked for."""
        path = TOKEN.sub("...", environ.get("PATH_INFO", ""))
        told = environ | {"RAW_URI": path, "PATH_INFO": path, "QUERY_STRING": "", "HTTP_REFERER": "-"}
        told |= {"REMOTE_ADDR": prefix(environ.get("REMOTE_ADDR", "")) or "-", "HTTP_AUTHORIZATION": ""}
        found: dict[str, Any] = super().atoms(resp, req, told, request_time)  # type: ignore[no-untyped-call] # gunicorn
        return {name: value for name, value in found.items() if not name.startswith("{")}
