"""Rules that several tables keep."""

from django.db import models
from django.db.models import Q


def known(name: str, column: str, words: str) -> models.CheckConstraint:
    """The column holds one of these words and nothing else. (A `Meta` does not see the choices beside it.)"""
    return models.CheckConstraint(condition=Q(**{f"{column}__in": words.split()}), name=name)


def not_negative(name: str, *columns: str) -> models.CheckConstraint:
    """None of these amounts is less than nothing."""
    return models.CheckConstraint(condition=Q(**{f"{column}__gte": 0 for column in columns}), name=name)
