"""Rows for every table, whatever its columns are just now: made from the models as migrations know them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, models, transaction
from django.db.migrations.migration import Migration
from django.db.migrations.operations.special import RunPython, RunSQL
from django.db.migrations.state import StateApps

from tests.upgrades.plan import ours

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
A_MONTH = timedelta(days=30)
Values = dict[str, Any]

OPEN = {"total": 0, "subtotal": 0, "status": "pending", "paid_at": None, "closed_at": None}
CLOSED = OPEN | {"status": "expired", "closed_at": NOW}
PAID = OPEN | {"status": "success", "paid_at": NOW}
UNPAID = {"amount": 5, "status": "open", "resolved_at": None, "paid_amount": None, "counted_at": None}
REFUND: Values = {
    "amount": 1, "status": "requested", "was_sale": True, "next_try_at": NOW, "made_at": None, "order": None,
    "credit_note": "",
}  # fmt: skip
VARIANTS: dict[str, list[Values]] = {
    "analytics.alertmute": [{"muted_at": NOW, "until": NOW + A_MONTH}],
    "billing_sandbox.switches": [{"id": 1}],
    "checkout.idempotencykey": [{"scope": "5f1c:/api/v1/checkout/confirm-order"}],
    "checkout.pricetablesversion": [{"id": 2}],
    "checkout.shippingmethod": [{"min_days": 1, "max_days": 3}],
    "checkout.shippingzone": [{"countries": ["GB"]}],
    "orders.order": [OPEN, CLOSED, PAID],
    "orders.ordersession": [{"started_at": NOW, "expires_at": NOW + timedelta(minutes=15)}],
    "orders.paymentattempt": [UNPAID, UNPAID | {"status": "failure", "resolved_at": NOW}],
    "orders.refund": [REFUND, REFUND | {"status": "done", "made_at": NOW, "next_try_at": None}],
    "orders.webhookdelivery": [{"next_try_at": NOW}, {"status": "dead", "settled_at": NOW}],
    "orders.windowrule": [{"minimum_total": 5, "duration_minutes": 30, "max_attempts": 5}],
    "core.mail": [{"next_attempt_at": NOW}],
}
"""What a table wants beyond the types of its columns: for each entry there will be rows. Columns that a table does not
have yet, or no more, are passed over."""


class Filler:
    """Adds rows that PostgreSQL takes; no two alike."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.known: dict[str, list[Any]] = {}

    def fill(self, tables: Iterable[type[models.Model]]) -> None:
        """For each entry of `VARIANTS` a row with nothing that may be left out, and one with everything, unless
        constraints forbid that.

        Raises:
            IntegrityError: `VARIANTS` has to say what this table wants.
        """
        for model in tables:
            for variant in VARIANTS.get(model._meta.label_lower, [{}]):
                try:
                    self.add(model, variant)
                    self.add(model, variant, everything=True)
                except IntegrityError:
                    if model._meta.label_lower not in self.known:
                        raise

    def add(self, model: type[models.Model], variant: Values, *, everything: bool = False) -> Any:
        """One row; its key."""
        names = {name for field in model._meta.local_fields for name in (field.name, field.attname)}
        chosen = {name: value for name, value in variant.items() if name in names}
        number = next(self.numbers)
        row = model(**self.values(model, number, everything=everything) | chosen)
        with transaction.atomic():
            row.save(force_insert=True)
        self.known.setdefault(model._meta.label_lower, []).append(row.pk)
        return row.pk

    def values(self, model: type[models.Model], number: int, *, everything: bool) -> Values:
        found = {}
        for field in model._meta.local_fields:
            if isinstance(field, models.AutoField | models.GeneratedField):
                continue
            if field.remote_field:
                if not field.null or (everything and field.remote_field.model is not model):
                    found[field.attname] = self.parent(model, field)
            elif is_required(field) or (everything and field.name != "id"):
                found[field.name] = value(field, number)
        return found

    def parent(self, model: type[models.Model], field: Any) -> Any:
        """The key of a row for a foreign key: one that is there, or one of its own where two may not share it."""
        parents = self.known.get(field.remote_field.model._meta.label_lower, [])
        shared = not field.unique and field.name not in constrained(model)
        if parents and shared:
            return parents[-1]
        return self.add(field.remote_field.model, VARIANTS.get(field.remote_field.model._meta.label_lower, [{}])[0])


def constrained(model: type[models.Model]) -> set[str]:
    """Fields of which not every combination may be there twice."""
    unique = [c for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    return {name for constraint in unique for name in constraint.fields}


def is_required(field: models.Field[Any, Any]) -> bool:
    return not field.null and not field.has_default() and not field.has_db_default()


def value(field: Any, number: int) -> Any:
    """Something of the field's type, another one for each number."""
    if field.choices:
        return field.flatchoices[number % len(field.flatchoices)][0]
    moment = NOW - number * timedelta(seconds=1) - number % 2 * A_MONTH
    text = f"{field.name}-{number}"
    if isinstance(field, models.CharField):
        text = text[-field.max_length :] if field.max_length else text
    by_type: list[tuple[Any, Any]] = [
        (models.EmailField, f"somebody{number}@example.com"),
        (models.URLField, f"https://shop.example.com/{number}"),
        (models.UUIDField, uuid.UUID(int=number)),
        (models.CharField | models.TextField, text),
        (models.BooleanField, False),
        (models.DecimalField, Decimal(number)),
        (models.FloatField, number / 2),
        (models.IntegerField, number),
        (models.DateTimeField, moment),
        (models.DateField, date(2026, 1, 1) + timedelta(days=number)),
        (models.TimeField, time(number % 24)),
        (models.DurationField, timedelta(seconds=number)),
        (models.JSONField, {"number": number}),
        (models.BinaryField, text.encode()),
        (models.GenericIPAddressField, f"192.0.2.{number % 256}"),
        (ArrayField, []),
    ]
    return next(made for kind, made in by_type if isinstance(field, kind))


def tables(apps: StateApps) -> list[type[models.Model]]:
    """All models of our apps that have a table."""
    options = [model._meta for model in apps.get_models()]
    return [o.model for o in options if o.app_label in ours() and o.managed and not o.proxy]


def touched(migration: Migration, apps: StateApps) -> list[type[models.Model]]:
    """The models that it is about, as far as they are there; all of its app's where it does not say."""
    if any(isinstance(operation, RunPython | RunSQL) for operation in migration.operations):
        return [model for model in tables(apps) if model._meta.app_label == migration.app_label]
    names = {f"{migration.app_label}.{getattr(op, 'model_name', '')}".lower() for op in migration.operations}
    return [model for model in tables(apps) if model._meta.label_lower in names]
