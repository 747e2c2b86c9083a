"""Serializers that speak camelCase outside and snake_case inside."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from django.http import QueryDict
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.utils.serializer_helpers import BindingDict

from core.money import money_string

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]
Shown = tuple[str, str, Callable[[Any], Any]]


def camel(name: str) -> str:
    """`unit_price` as `unitPrice`; `address_line1` as `addressLine1`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def renamed(fields: Fields) -> Fields:
    """Fields by their outside names, each reading what it was called."""
    for name, field in fields.items():
        if field.source is None and camel(name) != name:
            field.source = name
    return {camel(name): field for name, field in fields.items()}


class CamelSerializer(serializers.Serializer[Any]):
    """Renames its fields when they are made; data and errors then carry the outside names.

    They are made once a class, not for each request: that was a sixth of what a request cost. So nothing of one request
    (`context`, `partial`) may be asked of a field. Strings with a null byte are refused by DRF itself. Unknown fields
    are ignored. JSON has types, so nothing is taken for what it could be read as: a number is no postal code (it has
    lost its leading zeros), and "yes" no consent.
    """

    @cached_property
    def fields(self) -> BindingDict:
        return fields_of(type(self))

    def get_fields(self) -> Fields:
        return renamed(super().get_fields())

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and not isinstance(data, QueryDict):
            mistyped = {
                name: [field.error_messages["invalid"]]
                for name, field, kind in typed_by(type(self))
                if not isinstance(data.get(name), kind | None)
            }
            if mistyped:
                raise serializers.ValidationError(mistyped)
        return super().to_internal_value(data)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """As the REST framework does it, but that a dictionary which has everything is read as one: no field looks for
        attributes and defaults then.
        """
        sources, shown = shown_by(type(self))
        if not (isinstance(instance, dict) and sources <= instance.keys()):
            return super().to_representation(instance)
        return {name: None if (value := instance[source]) is None else show(value) for source, name, show in shown}


@cache
def fields_of(model: type[CamelSerializer]) -> BindingDict:
    """The fields of a serializer, bound to an instance that is nobody's."""
    nobody = model()
    fields = BindingDict(nobody)
    for name, field in nobody.get_fields().items():
        fields[name] = field
    return fields


TYPES: list[tuple[type[serializers.Field[Any, Any, Any, Any]], type]] = [
    (serializers.CharField, str),
    (serializers.UUIDField, str),
    (serializers.BooleanField, bool),
]
"""What JSON must hold for a field of this kind. The others look for themselves."""


@cache
def typed_by(model: type[CamelSerializer]) -> list[tuple[str, serializers.Field[Any, Any, Any, Any], type]]:
    """The fields of a serializer whose values have a type, each by its outside name."""
    fields = [field for field in fields_of(model).values() if not field.read_only]
    return [(str(f.field_name), f, kind) for f in fields for of, kind in TYPES if isinstance(f, of)]


@cache
def shown_by(model: type[CamelSerializer]) -> tuple[frozenset[str], list[Shown]]:
    """What a serializer reads of a dictionary, and each of it by its source, its outside name and how it is shown."""
    fields = [field for field in fields_of(model).values() if not field.write_only]
    shown: list[Shown] = [(str(field.source), str(field.field_name), field.to_representation) for field in fields]
    return frozenset(source for source, _name, _show in shown), shown


class MoneyOut(serializers.DecimalField):
    """Money in an answer: a decimal string with the currency's own digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=20, decimal_places=4, read_only=True, **kwargs)

    def to_representation(self, value: Decimal) -> str:
        return money_string(value)


class EmailField(serializers.EmailField):
    """An e-mail address. What stands before its @ is of ASCII letters, as mail servers have it.

    Django's check means the same, but ignores case as Unicode does: it takes İ, ı, ſ and the Kelvin sign for letters
    from A to Z. To PostgreSQL the address would then be one with i or k, and belong to somebody else.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if not str(value).rpartition("@")[0].isascii():
            self.fail("invalid")


def valid(serializer: CamelSerializer) -> dict[str, Any]:
    """What was sent, checked.

    Raises:
        ValidationError: what is wrong, by field.
    """
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data
