"""E-mail addresses: one spelling for each, and rows found by them in any case."""

from __future__ import annotations

import unicodedata
from typing import Self, TypeVar

from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower

Row = TypeVar("Row", bound=models.Model)


def normal_email(text: str) -> str:
    """The address without spaces around it, composed (NFC), its domain in lower case.

    The part before the @ keeps its case, as its owner writes it: what compares addresses ignores it.
    """
    name, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    return f"{name}{at}{domain.lower()}"


class WithEmail(models.QuerySet[Row]):
    """Rows with an `email`."""

    def with_email(self, address: str) -> Self:
        """Those of an address in any case, by the index on lower(email). PostgreSQL lowers both."""
        return self.alias(email_lower=Lower("email")).filter(email_lower=Lower(Value(address)))
