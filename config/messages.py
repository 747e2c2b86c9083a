"""The message of a job, as a worker has it. In a module of its own: only workers need what it stands on."""

from typing import Literal

from celery.worker.request import Request
from celery.worker.state import revoked as dropped

from core.postgresql.telling_time import now


class Message(Request):
    """Dropped when it is too late by the shop's clock, not by this machine's."""

    def maybe_expire(self) -> Literal[True] | None:
        if not self.expires or now() <= self.expires:
            return None
        dropped.add(self.id)
        return True
