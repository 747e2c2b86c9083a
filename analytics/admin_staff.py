"""The page on which each member of staff ticks the mails that they want: everybody their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from analytics.models import StaffSubscription
from analytics.models_staff import MAY_SEE
from analytics.services import subscribe
from core.admin import HistoryAdmin, StaffPage

PAGE = "analytics_staffsubscription_changelist"
"""The address at which a list of them would be: there is none."""
Kind = StaffSubscription.Kind


class MyMailsForm(forms.Form):
    """What somebody wants."""

    kinds = forms.MultipleChoiceField(
        label="Send me", choices=Kind.choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )


class MyMailsView(StaffPage):
    """The mails of whoever asks."""

    title = "My mails"
    permission_required = MAY_SEE
    template_name = "admin/analytics/my_mails.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        mine = StaffSubscription.objects.filter(user=request.user)  # type: ignore[misc] # who may see is logged in
        return self.show(MyMailsForm(initial={"kinds": list(mine.values_list("kind", flat=True))}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = MyMailsForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        kinds = form.cleaned_data["kinds"]
        subscribe(user=request.user, kinds=kinds)  # type: ignore[arg-type] # who may see figures is logged in
        wanted = ", ".join(Kind(kind).label for kind in kinds) or "none"
        self.model_admin.log_change(request, request.user, f"Mails wanted: {wanted}.")
        messages.success(request, f"From now on you get: {wanted}.")
        return redirect(f"admin:{PAGE}")

    def show(self, form: MyMailsForm) -> HttpResponse:
        """The form."""
        return TemplateResponse(self.request, self.template_name, self.get_context_data(form=form))


@admin.register(StaffSubscription)
class StaffSubscriptionAdmin(HistoryAdmin):
    """One page and no list: nobody ticks for others."""

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(MyMailsView.as_view(model_admin=self)), name=PAGE)]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY_SEE)
