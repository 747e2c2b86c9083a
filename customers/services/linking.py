"""An account and the customer of its address, once it is proven that they are one person."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from customers.models import Customer, User
from customers.services.guests import find_or_create_guest
from customers.tokens import LinkInvalidError


def link_customer(user: User, *, since: datetime) -> Customer:
    """Ties an account whose address is proven to the customer of that address, guest history and all. One who is new
    was here first at `since`.

    Raises:
        LinkInvalidError: the customer is another account's.
    """
    customer_id = find_or_create_guest(
        email=user.email, first_name=user.first_name, last_name=user.last_name, phone="", first_visit_at=since
    )
    names = {name: text for name in ("first_name", "last_name") if (text := getattr(user, name))}
    free = Customer.objects.filter(Q(user=None) | Q(user=user), pk=customer_id)
    if not free.update(user=user, type=Customer.Type.REGISTERED, email=user.email, **names):
        raise LinkInvalidError
    return Customer.objects.get(pk=customer_id)
