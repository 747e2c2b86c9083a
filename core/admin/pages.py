"""Pages of the admin that are no form of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

if TYPE_CHECKING:  # unfold carries no types

    class StaffPage(TemplateView):
        """A page in the admin's frame, for those who may."""

        model_admin: Any
else:

    class StaffPage(UnfoldModelAdminViewMixin, TemplateView):
        """A page in the admin's frame, for those who may."""
