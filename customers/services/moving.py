"""Another e-mail address for an account: asked for, proven, then taken."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Model
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import Coalesce, Greatest, Least

from core import mail
from customers.letters import EMAIL_ASKED, EMAIL_CHANGE, EMAIL_CHANGED
from customers.models import Address, Customer, EmailChange, Registration, User
from customers.tokens import LinkInvalidError


def ask_for_email(*, user: User, email: str, language: str, now: datetime) -> None:
    """Notes the address that the account shall have, asks it for a proof and tells the old one. Runs in the caller's
    transaction; the same statements whether that address has an account or not.

    A new row each time: a link that went to the address before must not prove this one.
    """
    EmailChange.objects.filter(user=user).delete()
    change = EmailChange.objects.create(user=user, email=email, created_at=now)
    context = {"change": str(change.pk), "user": user.pk}
    mail.queue(kind=EMAIL_CHANGE, recipient=email, language=language, context=context, now=now)
    mail.queue(kind=EMAIL_ASKED, recipient=user.email, language=language, context={"user": user.pk}, now=now)


@transaction.atomic
def move_account(*, change_id: UUID, language: str, now: datetime) -> None:
    """Gives an account its proven address, with what guests of that address ordered.

    Raises:
        LinkInvalidError: the change was used or ended meanwhile, or the address has an account by now.
    """
    change = EmailChange.objects.select_for_update().filter(pk=change_id).first()
    if change is None:
        raise LinkInvalidError
    user = User.objects.select_for_update().get(pk=change.user_id)
    before, user.email = user.email, change.email
    change.delete()
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError as error:
        raise LinkInvalidError from error
    move_customer(user)
    Registration.objects.with_email(user.email).delete()
    tell_old_address(user, before, language=language, now=now)


def tell_old_address(user: User, before: str, *, language: str, now: datetime) -> None:
    """Has a mail sent where whoever lost an account by it would read it."""
    mail.queue(kind=EMAIL_CHANGED, recipient=before, language=language, context={"user": user.pk}, now=now)


def move_customer(user: User) -> None:
    """The account's customer follows it to its address.

    Raises:
        LinkInvalidError: the customer of that address is another account's.
    """
    customer = Customer.objects.filter(user=user).first()
    if customer is None:
        return
    guest = Customer.objects.with_email(user.email).exclude(pk=customer.pk).first()
    if guest is not None:
        merge(guest, into=customer)
    Customer.objects.filter(pk=customer.pk).update(email=user.email)


def merge(guest: Customer, *, into: Customer) -> None:
    """What a guest left becomes a customer's. Orders are locked before customers, as payments do.

    Raises:
        LinkInvalidError: it is no guest.
    """
    for relation in histories():
        hand_over(relation, guest, into)
    found = Customer.objects.select_for_update().filter(pk=guest.pk, user=None).first()
    if found is None:
        raise LinkInvalidError
    for relation in histories():  # what came until the guest was locked
        hand_over(relation, found, into)
    found.delete()
    Customer.objects.filter(pk=into.pk).update(
        total_orders=F("total_orders") + found.total_orders,
        total_spent=F("total_spent") + found.total_spent,
        first_order_at=Least("first_order_at", Coalesce(found.first_order_at, "first_order_at")),
        last_order_at=Greatest("last_order_at", Coalesce(found.last_order_at, "last_order_at")),
    )


def histories() -> list[ForeignObjectRel]:
    """The tables, of whatever app, that say whose something is. Addresses are the guest's profile, no history."""
    return [relation for relation in Customer._meta.related_objects if relation.related_model is not Address]


def hand_over(relation: ForeignObjectRel, guest: Customer, into: Customer) -> None:
    """Makes the guest's rows of one table the customer's."""
    model: type[Model] = relation.related_model
    name = relation.field.name
    rows = model._default_manager.filter(**{name: guest}).order_by("pk")
    keys = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    model._default_manager.filter(pk__in=keys).update(**{name: into})
