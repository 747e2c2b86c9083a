"""Postal addresses as they come in and go out."""

from typing import Any

from babel import Locale
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.serializers import CamelSerializer

NO_COUNTRIES = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}
TERRITORIES = [str(code) for code in Locale("en").territories]
COUNTRIES = sorted(code for code in TERRITORIES if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES)


def country(code: str) -> str:
    """A country code in capitals.

    Raises:
        ValidationError: there is no such country.
    """
    if code.upper() not in COUNTRIES:
        raise serializers.ValidationError(_("Two letters of a country, such as GB."))
    return code.upper()


def country_name(code: str, language: str) -> str:
    """What a country is called; the code, if it is none."""
    return str(Locale(language).territories.get(code, code))


@extend_schema_field({"type": "string", "enum": COUNTRIES, "description": "ISO 3166; small letters are taken as well."})
class CountryField(serializers.CharField):
    """A country, by its two letters in any case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=2, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return country(super().to_internal_value(data))


class AddressFields(CamelSerializer):
    """A postal address; the country has two letters (ISO 3166). Rows keep it under the names that it is sent with."""

    line1 = serializers.CharField(max_length=200)
    line2 = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    city = serializers.CharField(max_length=100)
    region = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    postalCode = serializers.CharField(max_length=20)
    country = CountryField()
