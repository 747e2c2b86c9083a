"""What a list is filtered by, above it: a chip a filter, and each takes its filter away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.http import HttpRequest, HttpResponse

from core.admin.screen import Screen

NO_FILTERS = {ALL_VAR, ERROR_FLAG, IS_POPUP_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, TO_FIELD_VAR}
"""What an address says of the list beside its filters."""
LOOKUPS = ("__id__exact", "__exact")
FEW = 20
"""Chips. An address may ask for any number of things."""


@dataclass(frozen=True)
class Chip:
    """A filter: what by, which value, and the parameters of the address that ask for it. One that nothing asks for goes
    without saying, and cannot be taken away.
    """

    name: str
    value: str
    asks: tuple[str, ...]


class ChippedList(Screen):
    """A list with its filters above it. What they are called and say is `named_chips`; others go by their address."""

    list_before_template = "admin/list_chips.html"

    def named_chips(self, request: HttpRequest) -> Iterable[Chip]:
        """The filters that can be named better than by their address.

        Raises:
            IncorrectLookupParameters: the address asks for what cannot be.
        """
        return ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            chips = chips_of(request.GET, self.named_chips(request))
        except IncorrectLookupParameters:  # the list says so
            chips = []
        return super().changelist_view(request, (extra_context or {}) | {"list_chips": chips})


def chips_of(query: Mapping[str, str], named: Iterable[Chip]) -> list[dict[str, str]]:
    """The chips, each with `without`: the address that has all the others, "" if it stands in none."""
    chips = list(named)
    known = {name for chip in chips for name in chip.asks}
    chips += [Chip(words(name), value, (name,)) for name, value in query.items() if value and name not in known]
    return [
        {
            "name": chip.name,
            "value": chip.value,
            "without": without(query, chip.asks) if set(chip.asks) & query.keys() else "",
        }
        for chip in chips[:FEW]
        if NO_FILTERS.isdisjoint(chip.asks)
    ]


def words(name: str) -> str:
    """A parameter as people read it: `device__exact` is `Device`."""
    for lookup in LOOKUPS:
        name = name.removesuffix(lookup)
    return name.replace("_", " ").strip().capitalize()


def without(query: Mapping[str, str], names: Iterable[str]) -> str:
    """The rest of an address, from its first page on."""
    left_out = {*names, PAGE_VAR, ERROR_FLAG}
    return "?" + urlencode({name: value for name, value in query.items() if value and name not in left_out})
