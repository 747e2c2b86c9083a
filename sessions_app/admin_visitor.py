"""The page of a visitor, beside the visits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404

from core.admin import StaffPage
from sessions_app.visit_page import number_in
from sessions_app.visitor_page import Visitor, page_of


class VisitorView(StaffPage):
    """All visits of one visitor."""

    title = "Visitor"
    permission_required = "sessions_app.view_visitorsession"
    template_name = "admin/sessions_app/visitor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        visitor_id: UUID = self.kwargs["visitor_id"]
        visitor = Visitor(visitor_id, self.request.user.has_perm)
        page = page_of(visitor, page=number_in(self.request.GET.get("visits", "")))
        if page is None:
            raise Http404(f"No visit of the visitor {visitor_id} is known.")
        return super().get_context_data(**kwargs, visitor_page=page)
