"""Serializers that speak camelCase outside and snake_case inside."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from core.money import money_string


def camel(name: str) -> str:
    """`unit_price` as `unitPrice`; `address_line1` as `addressLine1`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class CamelSerializer(serializers.Serializer[Any]):
    """Renames its fields once, when they are made; data and errors then carry the outside names.

    Strings with a null byte are refused by DRF itself. Unknown fields are ignored.
    """

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        renamed = {}
        for name, field in super().get_fields().items():
            if field.source is None and camel(name) != name:
                field.source = name
            renamed[camel(name)] = field
        return renamed


class MoneyOut(serializers.DecimalField):
    """Money in an answer: a decimal string with the currency's own digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=20, decimal_places=4, read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return money_string(value)


def valid(serializer: CamelSerializer) -> dict[str, Any]:
    """What was sent, checked.

    Raises:
        ValidationError: what is wrong, by field.
    """
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data
