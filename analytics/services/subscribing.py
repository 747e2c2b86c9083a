"""The mails that a member of staff wants."""

from collections.abc import Iterable

from django.db import transaction

from analytics.models import StaffSubscription
from customers.models import User


@transaction.atomic
def subscribe(*, user: User, kinds: Iterable[str]) -> None:
    """Makes these kinds of mail the ones that they get (`StaffSubscription.Kind`). Twice at once is harmless."""
    wanted = set(kinds)
    subscriptions = StaffSubscription.objects.filter(user=user)
    subscriptions.exclude(kind__in=wanted).delete()
    rows = [StaffSubscription(user=user, kind=kind) for kind in sorted(wanted)]
    StaffSubscription.objects.bulk_create(rows, ignore_conflicts=True)
