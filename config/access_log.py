"""What gunicorn writes: a line for each request, without what it may tell of people (`gunicorn --logger-class`)."""

from __future__ import annotations

import logging
import os
import sys
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger

from core import logs
from core.net import ip_prefix

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # gunicorn writes before it loads the shop

prefix = lru_cache(maxsize=1024)(ip_prefix)


class RequestFormatter(logs.JsonFormatter):
    """The line of a request as JSON. `record.args` are gunicorn's atoms."""

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        """The request and its answer; `seconds` until all of it was sent, `bytes` without its headers."""
        atoms: Any = record.args
        return {
            "message": atoms["r"],
            "method": atoms["m"],
            "path": atoms["U"],
            "status": int(atoms["s"]),
            "bytes": atoms["B"],
            "seconds": float(atoms["L"]),
            "network": atoms["h"],
            **logs.marks_of_now(),
        }


class DiscreetLogger(Logger):
    """gunicorn's, with networks for addresses, and paths without what follows a `?`: staff search for names there. And
    without user agents: of a network of a few people each may have their own, whatever they chose about consent.
    """

    def setup(self, cfg: Any) -> None:
        """Where lines go, and in which form (LOG_FORMAT)."""
        super().setup(cfg)  # type: ignore[no-untyped-call] # gunicorn
        if settings.LOG_FORMAT == "json":
            for log, formatter in ((self.error_log, logs.JsonFormatter()), (self.access_log, RequestFormatter())):
                for handler in log.handlers:
                    handler.setFormatter(formatter)
                    if type(handler) is logging.StreamHandler:
                        handler.setStream(sys.stdout)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """The last that is said of a request."""
        super().access(resp, req, environ, request_time)  # type: ignore[no-untyped-call] # gunicorn
        logs.end()

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What a line may hold, whatever format is asked for."""
        path = logs.TOKEN.sub("...", environ.get("PATH_INFO", ""))
        told = {name: environ.get(name, "") for name in ("REQUEST_METHOD", "SERVER_PROTOCOL")}
        told |= {"RAW_URI": path, "PATH_INFO": path, "QUERY_STRING": "", "HTTP_REFERER": "-", "HTTP_USER_AGENT": "-"}
        told["REMOTE_ADDR"] = prefix(environ.get("REMOTE_ADDR", "")) or "-"
        found: dict[str, Any] = super().atoms(resp, (), told, request_time)  # type: ignore[no-untyped-call] # gunicorn
        return {name: value for name, value in found.items() if not name.startswith("{")}
