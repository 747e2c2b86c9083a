"""Pages of our own in the admin's frame."""

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
