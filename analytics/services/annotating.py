"""Notes on days."""

from datetime import date

from django.db import transaction

from analytics.models import Annotation
from customers.models import User


@transaction.atomic
def annotate(*, day: date, text: str, by: User) -> Annotation:
    """Puts a note on a day.

    Raises:
        ValidationError: it says nothing, or too much.
    """
    annotation = Annotation(day=day, text=" ".join(text.split()), made_by=by)
    annotation.full_clean()
    annotation.save()
    return annotation
