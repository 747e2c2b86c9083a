"""Every change of a visit. Redis first; PostgreSQL when Redis is away."""

from sessions_app.services.arrivals import Arrival, begin, may_identify, session_entry
from sessions_app.services.choices import choose_consent, clear, confirm, log_in, log_out
from sessions_app.services.happenings import mark_converted, mark_ordered, note_arrival, record
from sessions_app.services.living import arrived_now, before_erasing, ensure_stored, load, open_session, see

__all__ = [
    "Arrival",
    "arrived_now",
    "before_erasing",
    "begin",
    "choose_consent",
    "clear",
    "confirm",
    "ensure_stored",
    "load",
    "log_in",
    "log_out",
    "mark_converted",
    "mark_ordered",
    "may_identify",
    "note_arrival",
    "open_session",
    "record",
    "see",
    "session_entry",
]
