"""Brings in the visits of Apache or nginx access logs (combined or common format)."""

from sessions_app.access_log import places
from sessions_app.access_log.reading import LogUnreadableError
from sessions_app.access_log.refusals import Refusals, place_of_report
from sessions_app.access_log.service import NotALogError, import_access_logs
from sessions_app.access_log.tally import Tally

__all__ = [
    "LogUnreadableError",
    "NotALogError",
    "Refusals",
    "Tally",
    "import_access_logs",
    "place_of_report",
    "places",
]
