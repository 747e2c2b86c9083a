"""Customers whom the shop no longer lets in."""

from __future__ import annotations

from django.db import transaction

from customers.models import Customer, User


@transaction.atomic
def set_status(*, customer: Customer, status: str) -> None:
    """Blocks a customer or lets them in again. A blocked one's account is inactive: its sessions end at once."""
    Customer.objects.filter(pk=customer.pk).update(status=status)
    if customer.user_id is not None:
        User.objects.filter(pk=customer.user_id).update(is_active=status == Customer.Status.ACTIVE)
    customer.status = status
