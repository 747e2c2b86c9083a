"""Tokens for staff's own programs: everybody their own."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSingleDateWidget

from core.admin import RecordForm, ShopAdmin, action, as_uuid, ask, decided, moment, record_page
from core.clock import now, shop_day, shop_zone
from customers.models import SCOPES, ApiToken
from customers.services import create_token, revoke_token
from customers.services.tokens import LONGEST

USUAL = timedelta(days=90)


class NewTokenForm(RecordForm):
    """What a token is for, and until when."""

    scopes = forms.MultipleChoiceField(
        label="For", choices=list(SCOPES.items()), initial=list(SCOPES), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    last_day = forms.DateField(label="Until", widget=UnfoldAdminSingleDateWidget, help_text="The last day, included.")

    class Meta:
        model = ApiToken
        fields = ("name", "scopes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "last_day" in self.fields:
            self.fields["last_day"].initial = shop_day(now() + USUAL)

    def clean_last_day(self) -> Any:
        day, latest = self.cleaned_data["last_day"], shop_day(now() + LONGEST) - timedelta(days=1)
        if not shop_day(now()) <= day <= latest:
            raise forms.ValidationError(f"From today to {latest}.")
        return day


@admin.register(ApiToken)
class ApiTokenAdmin(ShopAdmin):
    """Made by whoever will use it; shown once; revoked, never changed."""

    form = NewTokenForm
    list_display = ("name", "user", "begins", "until", "used", "state")
    list_select_related = ("user",)
    readonly_fields = ("user", "begins", "purposes", "created_at", "until", "used", "revoked_at")
    add_fieldsets = ((None, {"fields": ("name", "scopes", "last_day")}),)
    fieldsets = ((None, {"fields": ("name", *readonly_fields)}),)
    actions_detail = ("revoke",)
    until = moment("expires_at", "Until")
    used = moment("last_used_at", "Last used")

    def get_fieldsets(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | ({"form": RecordForm} if obj else {}))

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        found: QuerySet[ApiToken] = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(user=request.user)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """A new one is shown; of one that is there the name changes."""
        if change:
            super().save_model(request, obj, form, change)
            return
        said = form.cleaned_data
        ends = datetime.combine(said["last_day"] + timedelta(days=1), time(), shop_zone())
        made, text = create_token(
            user=request.user,  # type: ignore[arg-type] # who adds is logged in
            name=said["name"],
            scopes=said["scopes"],
            expires_at=ends,
            now=now(),
        )
        vars(obj).update(vars(made))
        shown = format_html("This is the token, shown only now: <code>{}</code>", text)
        self.message_user(request, shown, messages.WARNING)

    @display(description="For")
    def purposes(self, token: ApiToken) -> str:
        return ", ".join(SCOPES.get(scope, scope) for scope in token.scopes)

    @display(description="State", label={"in use": "success", "revoked": "danger", "expired": "info"})
    def state(self, token: ApiToken) -> str:
        if token.revoked_at:
            return "revoked"
        return "in use" if token.expires_at > now() else "expired"

    def has_revoke_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Its owner, who may change tokens; or who may see everybody's."""
        key = as_uuid(object_id)
        if key is None or not self.has_change_permission(request):
            return False
        return self.get_queryset(request).filter(pk=key, revoked_at=None).exists()

    @action(
        description="Revoke",
        permissions=["revoke"],
        dialog=ask("Revoke this token?", "Programs that use it are refused from now on, for good.", "Revoke"),
    )
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Ends it at once."""
        token = ApiToken.objects.get(pk=object_id)
        revoke_token(token=token, now=now())
        self.log_change(request, token, "Revoked.")
        page = record_page("customers_apitoken", object_id)
        return decided(self, request, "The token lets nobody in any more.", page=page)
