"""Who is sent the weekly report, and that it is sent once."""

from __future__ import annotations

from datetime import datetime

from analytics.models import StaffSubscription
from analytics.weekly import letters
from analytics.weekly.weeks import Week, week_before
from core import mail
from core.errors import InvalidInputError
from customers.emails import normal_email
from customers.models import User

WANTED = StaffSubscription.Kind.WEEKLY_REPORT


class NoReaderError(InvalidInputError):
    """A report for somebody who does not get any."""

    message = "Nobody with this address is active staff who may see figures and ticked “Weekly report” under My mails."


def queue_weekly_reports(*, now: datetime) -> None:
    """Writes a mail of the last whole week to all who want it. Whoever has one of that week gets no second."""
    week = week_before(now)
    wanted = StaffSubscription.objects.to(WANTED)
    mail.queue_all([letters.about(user, week, now=now) for user in wanted])


def queue_weekly_report(*, address: str, week: Week, now: datetime) -> User:
    """Writes the mail of a week to one of them, once more if they have it already; returns whose it is.

    Raises:
        NoReaderError: nobody with this address gets reports.
    """
    user = User.objects.with_email(normal_email(address)).first()
    if user is None or not StaffSubscription.objects.to(WANTED).filter(pk=user.pk).exists():
        raise NoReaderError
    mail.queue_all([letters.about(user, week, now=now, once=False)])
    return user
