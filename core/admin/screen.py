"""What holds for every screen of the admin, whoever made it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:  # unfold carries no types; what it extends does
    ThemedAdmin = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as ThemedAdmin

SECRET = re.compile("secret|password|token|hash|salt")
"""In the names of columns that open something."""


class Screen(ThemedAdmin):
    """A screen in the theme that tells nothing to those who may not see it."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django looks for the record first, and so tells whoever asks whether there is one: here by what it answers,
        in the two views below by how long that takes.
        """
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The page of a record, or of a new one."""
        if object_id is not None and not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """What goes with a record, and whether it shall."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        return super().delete_view(request, object_id, extra_context)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django lets an address filter a list by any column, also by one that no page shows: with `secret__startswith`
        whoever may see the list would learn a secret letter by letter.
        """
        if any(SECRET.search(part) for part in lookup.split(LOOKUP_SEP)):
            return False
        return super().lookup_allowed(lookup, value, request)
