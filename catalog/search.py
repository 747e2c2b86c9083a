"""What shoppers type, as questions to the database. Which letters are alike is told there: migration 0003."""

from enum import StrEnum

from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, F, Func, TextField, Value

LONGEST = 1_000
"""Characters. What is typed beyond is not looked at."""


class Part(StrEnum):
    """The parts of what a search finds, the best first. No product is in two."""

    SKU = "sku"
    NAMED = "named"
    DESCRIBED = "described"


def question(words: str, part: Part | None = None) -> Func:
    """Asks for the products of a part, or of all; for none when nothing of the text is a letter or a digit."""
    texts = (Value(text) for text in (storable(words), part or "anywhere"))
    return Func(*texts, function="catalog_query", output_field=SearchQueryField())


def storable(words: str) -> str:
    """The text without what PostgreSQL cannot be asked: null bytes and lone surrogates."""
    return words[:LONGEST].replace("\0", " ").encode(errors="ignore").decode()


def found(asked: Func) -> Func:
    """Whether a product is asked for. A condition that the index serves."""
    return Func(F("search"), asked, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField())


def met(asked: Func) -> Func:
    """The same for those who come by anyway: `IS TRUE` hides it from the index."""
    return Func(found(asked), template="%(expressions)s IS TRUE", output_field=BooleanField())


def gathered_name() -> Func:
    """The name, hidden from its index: to be sorted by when the rows were gathered by another."""
    return Func(F("name"), template="(%(expressions)s || '')", output_field=TextField())
