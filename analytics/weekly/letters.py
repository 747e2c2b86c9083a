"""The report as a mail, written for one member of staff when it is sent: who may not see figures by then gets none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from analytics.attention import attention_items
from analytics.models import StaffSubscription
from analytics.picture import drawn
from analytics.weekly.report import PICTURED, Report, report_of
from analytics.weekly.weeks import Week, week_of
from core import mail
from core.mail import Letter, Picture
from core.models import Mail
from customers.models import User

WEEKLY_REPORT = "analytics.weekly_report"
TEMPLATE = "mail/weekly"
MY_MAILS = "admin:analytics_staffsubscription_changelist"
GOALS = "admin:analytics_salesgoal_changelist"
WHY = "You get this mail because you ticked “Weekly report” under My mails."
SCRIPT = '<script src="{site}/tracker.js" defer></script>'
NOTHING = {
    "new": (
        "Footfall has not seen a visit or an order yet. Put this line into the pages of your shop, open one of them, "
        f"and the next report has figures: {SCRIPT}",
    ),
    "quiet": (
        "There were no visits and no paid orders in this week.",
        "Was the shop closed? If not, visits are not recorded any more: look whether this line still stands in the "
        f"pages of your shop: {SCRIPT}",
    ),
}
"""What is said instead of figures, by the report's state, and the next step."""


def register_kinds() -> None:
    """Makes the mail known; called when the app is ready."""
    mail.register(WEEKLY_REPORT, weekly_report)


def about(user: User, week: Week, *, now: datetime, once: bool = True) -> Mail:
    """The mail to be queued. With `once` a second one of this week to the same person is none."""
    return mail.written(
        kind=WEEKLY_REPORT,
        recipient=user.email,
        language="en",  # as the admin is, whose words and links it has
        context={"user": user.pk, "week": str(week)},
        dedupe_key=f"{WEEKLY_REPORT} {week} {user.pk}" if once else None,
        now=now,
    )


def weekly_report(row: Mail, now: datetime) -> Letter | None:
    """The week's figures; nothing to who wants none any more, left, or may not see them any more."""
    wanted = StaffSubscription.objects.to(StaffSubscription.Kind.WEEKLY_REPORT)
    user = wanted.filter(pk=row.context["user"]).first()
    if user is None:
        return None
    return letter(user, report_of(week_of(row.context["week"])))


def letter(user: User, report: Report) -> Letter:
    """The report to somebody. The header leads mail programs to the page on which mails are ticked (RFC 2369)."""
    pictures = {key: picture(key, report) for key in PICTURED} if report.state == "full" else {}
    charts = [(pictures[key], report.charts[key], unit_of(key)) for key in pictures]
    context = context_of(report, user) | {"charts": charts}
    headers = {"List-Unsubscribe": f"<{context['unsubscribe']}>"}
    return Letter(user.email, subject(report), TEMPLATE, context, headers, list(pictures.values()))


def text_of(report: Report) -> str:
    """The text part, with all that needs attention, for whoever looks after the shop."""
    anybody = User(is_superuser=True)
    return render_to_string(f"{TEMPLATE}.txt", mail.context_of(letter(anybody, report), "en"))


def context_of(report: Report, user: User) -> dict[str, Any]:
    """What both texts are made of, and what needs somebody as far as this person may see it."""
    site = settings.PUBLIC_URL
    return {
        "report": report,
        "attention": needs_of(user),
        "nothing": [text.format(site=site) for text in NOTHING.get(report.state, ())],
        "site": site,
        "goals": site + reverse(GOALS),
        "why": WHY,
        "unsubscribe": site + reverse(MY_MAILS),
    }


def needs_of(user: User) -> list[dict[str, Any]]:
    """What needs attention at this moment, as the dashboard would say it to this person."""
    request = HttpRequest()
    request.user = user
    return attention_items(request)


def subject(report: Report) -> str:
    """The week, and the sales in it with their change."""
    if report.state != "full":
        return f"{settings.SHOP_NAME}: nothing in week {report.week.number}"
    sales = next(card for card, _link in report.cards if card.metric.name == "total_sales")
    return f"{settings.SHOP_NAME}: week {report.week.number}, sales {sales.exact} ({sales.change})"


def picture(key: str, report: Report) -> Picture:
    """The chart of a metric, named after the week that it shows."""
    return Picture(f"{key}-{report.week}", drawn(report.charts[key], this="This week", before="Week before"))


def unit_of(key: str) -> str:
    """In what the numbers of a picture are, where that is not plain."""
    return f", {settings.SHOP_CURRENCY}" if key == "sales" else ""
