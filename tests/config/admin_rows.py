"""A row of everything that staff can change in the admin, and what its forms need besides what stands in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model
from django.forms import BaseForm, CheckboxInput, MultiWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from analytics.models import Annotation, SalesGoal
from checkout.models import ReminderAddress
from core.clock import now
from core.mail_texts import sync_texts
from core.models import MailText
from customers.models import Address, ApiToken, CustomerGroup
from customers.services import create_token
from orders.models import WindowRule
from sessions_app.models import ChannelRule
from tests.factories import (
    CategoryFactory,
    CouponFactory,
    CustomerFactory,
    ProductFactory,
    ShippingMethodFactory,
    ShippingZoneFactory,
    TaxRateFactory,
    UserFactory,
)
from tests.orders.subscriber import endpoint_at

DAY = date(2026, 3, 10)
SCOPE = "analytics.view_dailymetrics"


def text() -> Model:
    """What a mail says."""
    sync_texts()
    return MailText.objects.order_by("pk")[0]


def token() -> ApiToken:
    """Somebody's."""
    ends = now() + timedelta(days=9)
    return create_token(
        user=UserFactory.create(is_staff=True), name="sheet", scopes=[SCOPE], expires_at=ends, now=now()
    )[0]


def job() -> PeriodicTask:
    """One that runs every minute."""
    every = IntervalSchedule.objects.create(every=60, period="seconds")
    return PeriodicTask.objects.create(name="Flush", task="core.tasks.forget_limits", interval=every)


ROWS: dict[str, Callable[[], Any]] = {
    "analytics.Annotation": lambda: Annotation.objects.create(day=DAY, text="Sale"),
    "analytics.SalesGoal": lambda: SalesGoal.objects.create(period="day", starts_on=DAY, amount=5),
    "auth.Group": lambda: Group.objects.create(name="Clerks"),
    "catalog.Category": CategoryFactory.create,
    "catalog.Product": lambda: ProductFactory.create(stock_quantity=0),
    "checkout.Coupon": CouponFactory.create,
    "checkout.ReminderAddress": lambda: ReminderAddress.objects.create(email="q@example.com", unsubscribed_at=now()),
    "checkout.ShippingMethod": ShippingMethodFactory.create,
    "checkout.ShippingZone": ShippingZoneFactory.create,
    "checkout.TaxRate": lambda: TaxRateFactory.create(country="GB"),
    "core.MailText": text,
    "customers.Address": lambda: Address.objects.create(
        customer=CustomerFactory.create(), kind="shipping", line1="1", city="London", postal_code="N1", country="GB"
    ),
    "customers.ApiToken": token,
    "customers.Customer": CustomerFactory.create,
    "customers.CustomerGroup": lambda: CustomerGroup.objects.create(name="VIP"),
    "customers.User": UserFactory.create,
    "django_celery_beat.ClockedSchedule": lambda: ClockedSchedule.objects.create(clocked_time=now()),
    "django_celery_beat.CrontabSchedule": lambda: CrontabSchedule.objects.create(minute="5"),
    "django_celery_beat.IntervalSchedule": lambda: IntervalSchedule.objects.create(every=5, period="seconds"),
    "django_celery_beat.PeriodicTask": job,
    "django_celery_beat.SolarSchedule": lambda: SolarSchedule.objects.create(
        event="sunset", latitude=Decimal(51), longitude=Decimal(0)
    ),
    "orders.WebhookEndpoint": lambda: endpoint_at("https://hooks.example.com/shop"),
    "orders.WindowRule": lambda: WindowRule.objects.create(
        name="Big", position=20, minimum_total=1, duration_minutes=5, max_attempts=1
    ),
    "sessions_app.ChannelRule": lambda: ChannelRule.objects.create(kind="utm medium", value="news", channel="social"),
}
"""By model. A model that staff can change and that is missing here fails the test."""
NEW: dict[str, dict[str, Any]] = {
    "customers.ApiToken": {"name": "sheet", "scopes": [SCOPE], "last_day": str((now() + timedelta(days=9)).date())},
    "customers.User": {
        "email": "new@example.com", "usable_password": "true",
        "password1": "another-horse-91", "password2": "another-horse-91",
    },
    "orders.WebhookEndpoint": {"url": "https://other.example.com/", "topics": ["order.paid"]},
}  # fmt: skip
"""What the form of a new one asks for besides."""


def filled(page: Any, **changes: Any) -> dict[str, Any]:
    """What a browser sends if somebody opens a form of the admin and saves it."""
    context, form = page.context, page.context["adminform"]
    sent = values(form.form)
    for inline in context["inline_admin_formsets"]:
        sent |= values(inline.formset.management_form)
        for each in inline.formset.initial_forms:
            sent |= values(each)
    return sent | changes


def values(form: BaseForm) -> dict[str, Any]:
    """The fields of a form, with what stands in them."""
    sent: dict[str, Any] = {}
    for field in form:
        widget, value = field.field.widget, field.value()
        if isinstance(widget, MultiWidget):
            sent |= {f"{field.html_name}_{place}": part for place, part in enumerate(widget.decompress(value) or [])}
        elif isinstance(widget, CheckboxInput):
            sent |= {field.html_name: "on"} if value else {}
        else:
            sent[field.html_name] = value
    return {name: value for name, value in sent.items() if value is not None}
