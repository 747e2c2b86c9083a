"""E-mail addresses: one spelling for each, and rows found by them in any case."""

from __future__ import annotations

import unicodedata
from typing import Self, TypeVar

from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower

Row = TypeVar("Row", bound=models.Model)


FULL_STOPS = str.maketrans("\u3002\uff61", "..")
"""What a domain may have between its parts instead of a dot (RFC 3490)."""


def normal_email(text: str) -> str:
    """The address without spaces around it, composed (NFC), its domain in lower case and in the letters (NFKC) to which
    mail is sent: a domain in wide letters is the plain one.

    The part before the @ keeps its case, as its owner writes it: what compares addresses ignores it.
    """
    name, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    domain = unicodedata.normalize("NFKC", domain.translate(FULL_STOPS).lower())
    return f"{name}{at}{domain}"


class WithEmail(models.QuerySet[Row]):
    """Rows with an `email`."""

    def with_email(self, address: str) -> Self:
        """Those of an address in any case, by the index on lower(email). PostgreSQL lowers both."""
        return self.alias(email_lower=Lower("email")).filter(email_lower=Lower(Value(address)))
