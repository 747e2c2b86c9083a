"""Accounts as JSON."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from core.addresses import AddressFields
from core.serializers import CamelSerializer, EmailField
from customers.models import Address, Customer
from customers.services import AccountChange

MOST_ADDRESSES = 20
PROFILE = ("first_name", "last_name", "phone")


class PasswordField(serializers.CharField):
    """A password, with the spaces that are in it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=256, trim_whitespace=False, style={"input_type": "password"}, **kwargs)


class RegisterIn(CamelSerializer):
    """Who wants an account."""

    email = EmailField()
    password = PasswordField()
    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class LoginIn(CamelSerializer):
    """Who logs in."""

    email = EmailField()
    password = PasswordField()


class EmailIn(CamelSerializer):
    """Whose password is forgotten."""

    email = EmailField()


class TokenIn(CamelSerializer):
    """What stood behind the `#` of a link, and a password: the one that was chosen, or a new one."""

    token = serializers.CharField(max_length=1000)
    password = PasswordField()


class CurrentPasswordIn(CamelSerializer):
    """The account's password, so that an open browser is not enough."""

    current_password = PasswordField()


class AccountAddress(AddressFields):
    """An address of the account; at most one of a kind is its default."""

    kind = serializers.ChoiceField(Address.Kind.choices)
    is_default = serializers.BooleanField(required=False, default=False)


class AccountIn(CamelSerializer):
    """What shall be otherwise. `addresses` replaces all; `email` and `password` need `currentPassword`."""

    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    addresses = serializers.ListField(child=AccountAddress(), required=False, max_length=MOST_ADDRESSES)
    email = EmailField(required=False)
    password = PasswordField(required=False)
    current_password = PasswordField(required=False, default="", allow_blank=True)

    def validate_addresses(self, addresses: list[dict[str, Any]]) -> list[dict[str, Any]]:
        defaults = [address["kind"] for address in addresses if address["is_default"]]
        if len(defaults) != len(set(defaults)):
            raise serializers.ValidationError(_("One default address of a kind at most."))
        return addresses


class AccountOut(CamelSerializer):
    """An account. `pendingEmail` waits for its proof. `csrfToken` goes into the header `X-CSRFToken` of every request
    that changes something while logged in.
    """

    customer_id = serializers.UUIDField()
    email = serializers.CharField()
    pending_email = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    phone = serializers.CharField()
    addresses = AccountAddress(many=True)
    created_at = serializers.DateTimeField()
    csrf_token = serializers.CharField()


class AcceptedOut(CamelSerializer):
    """The request was taken. Whether it leads to a mail is told to the address alone."""

    accepted = serializers.BooleanField()


class DoneOut(CamelSerializer):
    """It is done."""

    done = serializers.BooleanField()


class ExportOut(CamelSerializer):
    """Everything held about whoever asks, by kind."""

    exported_at = serializers.DateTimeField()
    held = serializers.DictField()


def change_of(data: dict[str, Any]) -> AccountChange:
    """What was asked for, as the service takes it."""
    addresses = data.get("addresses")
    return AccountChange(
        profile={name: data[name] for name in PROFILE if name in data},
        addresses=None if addresses is None else [address_of(address) for address in addresses],
        email=data.get("email"),
        password=data.get("password"),
        current_password=data["current_password"],
    )


def address_of(data: dict[str, Any]) -> Address:
    """The address as a row."""
    fields = dict(data)
    return Address(postal_code=fields.pop("postalCode"), **fields)


def account_body(customer: Customer, *, csrf_token: str) -> dict[str, Any]:
    """The account as `AccountOut` shows it."""
    user = customer.user
    change = getattr(user, "email_change", None)
    return {
        "customer_id": customer.id,
        "email": user.email if user else customer.email,
        "pending_email": change.email if change else None,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone": customer.phone,
        "addresses": [address_body(address) for address in customer.addresses.order_by("pk")],
        "created_at": customer.created_at,
        "csrf_token": csrf_token,
    }


def address_body(address: Address) -> dict[str, Any]:
    """The address as `AccountAddress` shows it."""
    names = ("kind", "is_default", "line1", "line2", "city", "region", "country")
    return {name: getattr(address, name) for name in names} | {"postalCode": address.postal_code}
