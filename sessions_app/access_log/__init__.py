"""Brings in the visits of an Apache or nginx access log (combined format)."""

from sessions_app.access_log.reading import LogUnreadableError, open_log
from sessions_app.access_log.service import NotALogError, Tally, import_access_log

__all__ = ["LogUnreadableError", "NotALogError", "Tally", "import_access_log", "open_log"]
