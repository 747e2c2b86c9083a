"""What is held about people: each app says what it holds, gives it out and erases it.

A table with a field that looks personal must be somebody's (`unregistered`): so none is forgotten when it is made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.apps.registry import Apps
from django.conf import settings
from django.db import models, transaction

from core.money import MoneyField, money_string
from core.serializers import camel

log = logging.getLogger(__name__)
SETS_OF_IDS = ("visitors", "visits", "shopped_in")
ERASED = re.compile(r"\berased: (?P<ids>(?:[a-z_]+=[0-9a-f,-]+ ?)+)")


@dataclass(frozen=True)
class Subject:
    """Whose data: a customer's by the addresses, the customer and the account, or a visitor's by the browser and its
    visits, as far as there are any.

    `visitors` are ids of browsers that could be recognised, `visits` all visits meant. Whoever sits at a browser need
    not be who shopped there before: what was ordered as a guest, and what was typed on the way there, is given out and
    erased for visits in `shopped_in` alone.
    """

    emails: frozenset[str] = frozenset()
    customer_id: UUID | None = None
    user_id: int | None = None
    visitors: frozenset[UUID] = frozenset()
    visits: frozenset[UUID] = frozenset()
    shopped_in: frozenset[UUID] = frozenset()

    @property
    def customers(self) -> list[UUID]:
        """The customer's id, if there is one."""
        return [] if self.customer_id is None else [self.customer_id]

    @property
    def users(self) -> list[int]:
        """The account's id, if there is one."""
        return [] if self.user_id is None else [self.user_id]

    @property
    def ids(self) -> str:
        """All but the addresses, as the log tells them. They say nothing of anybody who is erased, but in a backup."""
        ids: dict[str, Iterable[object]] = {"customer_id": self.customers, "user_id": self.users}
        ids |= {name: sorted(getattr(self, name)) for name in SETS_OF_IDS}
        return " ".join(f"{name}={','.join(map(str, keys))}" for name, keys in ids.items() if keys)

    @classmethod
    def erased_in(cls, line: str) -> Subject | None:
        """Who was erased by a line of the log, in either form; None if nobody was. Their addresses are not in there."""
        found = ERASED.search(line)
        if found is None:
            return None
        words = (word.partition("=") for word in found["ids"].split())
        ids = {name: keys.split(",") for name, _is, keys in words}
        visitors, visits, shopped_in = (frozenset(map(UUID, ids.get(name, ()))) for name in SETS_OF_IDS)
        return cls(
            customer_id=UUID(ids["customer_id"][0]) if "customer_id" in ids else None,
            user_id=int(ids["user_id"][0]) if "user_id" in ids else None,
            visitors=visitors,
            visits=visits,
            shopped_in=shopped_in,
        )


def nothing_before(subject: Subject, *, now: datetime) -> None:
    """For parts that have nothing to do before the erasing."""


@dataclass(frozen=True)
class Part:
    """What one app holds: how it is given out and erased, and in which tables (`app.Model`) it is.

    `before` does what must be done outside the transaction of the erasing, such as telling other services.
    """

    name: str
    tables: frozenset[str]
    export: Callable[[Subject], dict[str, Any]]
    erase: Callable[..., None]
    before: Callable[..., None] = field(default=nothing_before)


parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Makes an app's part known; called when the app is ready, so those below come first."""
    parts[part.name] = part


def export(subject: Subject) -> dict[str, Any]:
    """Everything held about somebody, by kind."""
    found: dict[str, Any] = {}
    for part in parts.values():
        found |= part.export(subject)
    return found


def amounts(subject: Subject) -> dict[str, int]:
    """How much is held, by kind."""
    return {name: len(rows) for name, rows in export(subject).items() if rows}


def erase(subject: Subject, *, now: datetime) -> None:
    """Erases everything that no law makes the shop keep. Twice is harmless.

    Those above go first, as changes lock their rows. What an order that was just being placed left behind is found the
    second time, when nothing new can come any more: the address is nobody's by then.

    The log says by its ids who it was: a backup that is taken back later knows nothing of it (`erase_again`).
    """
    for part in reversed(parts.values()):
        part.before(subject, now=now)
    for _time in range(2):
        with transaction.atomic():
            for part in reversed(parts.values()):
                part.erase(subject, now=now)
    if subject.ids:
        log.info("erased: %s", subject.ids)


def facts(row: models.Model, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """The columns of a row by their names in JSON."""
    fields = (field for field in row._meta.concrete_fields if field.name not in set(without))
    return {camel(field.attname): _value(row, field) for field in fields}


def _value(row: models.Model, field: models.Field[Any, Any]) -> Any:
    value = getattr(row, field.attname)
    if isinstance(field, MoneyField) and value is not None:
        return money_string(value, getattr(row, "currency", settings.SHOP_CURRENCY))
    return value


# The check that no table is forgotten.

LOOKS_PERSONAL = re.compile(
    r"e?mail|(first|last|full|nick|display|user|sur)_?name|phone|mobile|(^|_)fax|contact|address|line1|street|city|post(al|code)|"
    r"(^|_)zip|birth|gender|passport|iban|vat_|tax_id|latitude|longitude|location|(^|_)(ip|ua|geo|login)(_|$)|user_agent|"
    r"cookie|fingerprint|device_id|(^|_)(visitor|guest|shopper|person|author|sender)(_|$)|session_id|referrer|landing|"
    r"language|recipient|actor|payload|metadata|entry|answer|context|comment|message|query|headers|body"
)
FREE = (models.JSONField, models.BinaryField, models.TextField)
"""What may hold anything, whatever its name."""
NOT_PERSONAL = {
    "catalog.Product": "what the shop says of a product",
    "checkout.ShippingZone": "its countries",
    "core.MailText": "what staff write to everybody",
    "analytics.Annotation": "a note on a day with the member of staff who made it; nobody once the account is gone",
    "analytics.AlertMute": "says which member of staff muted alerts; nobody once the account is gone",
    "analytics.StaffSubscription": "which mails a member of staff wants; gone with the account",
    "admin.LogEntry": "what staff did; what it says of a customer is erased with the customer",
    "billing_sandbox.*": "development only",
    "catalog.StockMovement": "says which member of staff moved stock",
    "django_celery_beat.*": "the schedule",
    "orders.OutboxEvent": "an order's number and sums",
    "orders.WebhookTry": "what a subscriber answered to an event, which has nothing of the customer",
    "orders.WebhookEndpoint": "says which member of staff made it",
    "sessions.Session": "an account's id; useless once the account is gone",
    "sessions_app.AccessLog": "how far a file was read, and crawlers by day",
    "sessions_app.VisitorSalt": "a secret",
}
"""Tables that look personal and are not a customer's, each with the reason."""


def unregistered(models_of: Apps = apps) -> list[str]:
    """Tables with fields that look personal, of which nobody says how they are given out and erased: in any app, also
    in one that comes with a package.
    """
    covered = {table for part in parts.values() for table in part.tables} | NOT_PERSONAL.keys()
    return sorted(
        model._meta.label
        for model in models_of.get_models(include_auto_created=True)
        if not model._meta.proxy  # another view of a table that is somebody's
        and not {model._meta.label, f"{model._meta.app_label}.*"} & covered
        and personal_fields(model)
    )


def personal_fields(model: type[models.Model]) -> list[str]:
    """Those that could tell of a person: by their name, by what they point to, or because they hold anything."""
    people = {table for part in parts.values() for table in part.tables} | {settings.AUTH_USER_MODEL}
    return [field.name for field in model._meta.concrete_fields if is_personal(field, people)]


def is_personal(field: models.Field[Any, Any], people: set[str]) -> bool:
    """Whether the field could tell of a person; `people` are the tables of somebody."""
    pointed_to = field.related_model._meta.label if field.remote_field and field.related_model else ""
    return isinstance(field, FREE) or pointed_to in people or bool(LOOKS_PERSONAL.search(field.name))
