"""One row of each model that staff see, so that every page of the admin is about something that is there."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.db.models import Model
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from analytics.models import (
    Alert,
    Annotation,
    DailyBreakdown,
    DailyMetrics,
    HourlyMetrics,
    RealtimeHour,
    RealtimeMetrics,
    SalesGoal,
)
from checkout.models import CheckoutSession, ReminderAddress
from core.clock import now
from core.mail_texts import editable
from core.models import Mail, MailText
from customers.models import CustomerGroup
from customers.services import create_token
from orders.models import PaymentAttempt, WebhookReceipt, WindowRule
from sessions_app.models import ChannelRule, CrawlerDay, DeadLetter
from tests.factories import CategoryFactory, CheckoutSessionFactory, RefundFactory, UserFactory
from tests.orders.subscriber import delivery_to, endpoint_at
from tests.security.things import Owner

DAY = date(2026, 3, 10)
PAGELESS = {"analytics.staffsubscription"}
"""Models that have no page of a record."""


def records(owner: Owner) -> dict[str, str]:
    """By model (`orders.order`) the key of a row, as it stands in addresses."""
    of_orders(owner)
    of_figures()
    of_customers(owner)
    of_operations()
    return {label(model): str(quote(key_of(screen))) for model, screen in admin.site._registry.items()}


def key_of(screen: Any) -> Any:
    """The key of a row that the screen shows."""
    row = screen.model._default_manager.filter(**SHOWN.get(label(screen.model), {})).first()
    if label(screen.model) in PAGELESS:
        return ""
    assert row is not None, f"make a row of {label(screen.model)} in tests/security/records.py"
    return row.pk


SHOWN: dict[str, dict[str, Any]] = {
    "checkout.abandonedcheckout": {"lapsed_at__isnull": False},
    "checkout.reminderaddress": {"unsubscribed_at__isnull": False},
    "core.mailtext": {"kind__in": editable},
}
"""Of which rows there are pages, where not of all."""


def label(model: type[Model]) -> str:
    """A model as `orders.order`."""
    return f"{model._meta.app_label}.{model._meta.model_name}"


def of_orders(owner: Owner) -> None:
    """What comes of an order, beside what the shopper did."""
    attempt = PaymentAttempt.objects.get(order_session__order=owner.placed)
    RefundFactory.create(attempt=attempt, reason="Mark-reason")
    delivery_to(endpoint_at("https://hooks.example.com/mark"))
    WebhookReceipt.objects.create(webhook_id="mark-1", checkout_id=attempt.billing_checkout_id)
    WindowRule.objects.create(name="Long", minimum_total=Decimal(1), duration_minutes=60, max_attempts=3)
    left = CheckoutSessionFactory.create(status=CheckoutSession.Status.TIMEOUT, email=owner.email)
    CheckoutSession.objects.filter(pk=left.pk).update(lapsed_at=now())
    ReminderAddress.objects.create(email=owner.email, unsubscribed_at=now())


def of_figures() -> None:
    """What is counted, and what staff say of it."""
    Alert.objects.create(kind="traffic_low", sentence="Few visits.", began_at=now())
    Annotation.objects.create(day=DAY, text="Mark-note")
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=Decimal(100))
    DailyMetrics.objects.create(date=DAY, computed_at=now())
    HourlyMetrics.objects.create(hour=now().replace(minute=0, second=0, microsecond=0))
    DailyBreakdown.objects.create(date=DAY, dimension="channel", value="direct")
    RealtimeMetrics.objects.create(minute=now())
    RealtimeHour.objects.create(hour=now())


def of_customers(owner: Owner) -> None:
    """Groups, and staff with a token."""
    CustomerGroup.objects.create(name="VIP")
    Group.objects.create(name="Helpers")
    CategoryFactory.create()
    staff = UserFactory.create(email="boss@example.com", is_staff=True, is_superuser=True)
    create_token(user=staff, name="Mark-token", scopes=[], expires_at=now() + timedelta(days=1), now=now())


def of_operations() -> None:
    """What ops look after."""
    hour = CrontabSchedule.objects.create(minute="7")
    IntervalSchedule.objects.create(every=1, period="days")
    ClockedSchedule.objects.create(clocked_time=now())
    SolarSchedule.objects.create(event="sunset", latitude=0, longitude=0)
    PeriodicTask.objects.create(name="Mark-job", task="core.tasks.send_mails", crontab=hour)
    ChannelRule.objects.create(value="mark.example", channel="email")
    CrawlerDay.objects.create(day=DAY, source="api", page_views=1)
    DeadLetter.objects.create(entry={"page": "/mark-page"}, error="Mark-error")
    assert Mail.objects.exists()
    MailText.objects.get_or_create(kind=next(iter(editable)), language="en")
