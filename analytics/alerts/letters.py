"""The mail about an alert, to staff who want it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from analytics.alerts.views import record_page, view_of
from analytics.models import Alert, StaffSubscription
from core import mail
from core.mail import Letter
from core.models import Mail
from customers.models import User

ALERT = "analytics.alert"
LIFE = timedelta(hours=6)
"""What was unusual longer ago is no news."""
WHY = "You get this mail because you ticked “Alerts” on the page “My mails” of the admin."


def register_kinds() -> None:
    """Makes the mail known; called when the app is ready."""
    mail.register(ALERT, letter, life=LIFE)


def about(alert: Alert, user: User, *, now: datetime) -> Mail:
    """The mail to one of them, to be stored in the transaction that takes the alert as told."""
    return mail.written(
        kind=ALERT,
        recipient=user.email,
        language="en",
        context={"alert": alert.pk, "user": user.pk},
        dedupe_key=f"{ALERT} {alert.pk} {user.pk}",
        now=now,
    )


def letter(row: Mail, now: datetime) -> Letter | None:
    """The figures and where to see them; nothing once it is over or muted, or they want it no more."""
    alert = Alert.objects.heard(now).filter(pk=row.context["alert"]).first()
    wanted = StaffSubscription.objects.to(StaffSubscription.Kind.ALERTS).filter(pk=row.context["user"])
    if alert is None or not wanted.exists():
        return None
    context = {
        "paragraphs": [f"{alert.sentence}."],
        "link": settings.PUBLIC_URL + view_of(alert.kind, alert.began_at, now=now),
        "remarks": [f"To mute alerts of this kind: {settings.PUBLIC_URL}{record_page(alert)}", WHY],
    }
    return Letter(row.recipient, f"{settings.SHOP_NAME}: {alert.get_kind_display()}", context=context)
