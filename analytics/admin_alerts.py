"""The alerts: what was unusual, where to see it, and what staff want to hear nothing of."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from analytics.alerts.muting import mute, unmute
from analytics.alerts.views import view_of
from analytics.models import Alert, AlertKind
from core.admin import (
    BAD,
    NOTHING,
    DayRangeFilter,
    DialogForm,
    HistoryAdmin,
    action,
    ask,
    badge,
    decided,
    is_there,
    moment,
    moment_text,
    record_page,
)
from core.clock import day_bounds, now, shop_day

MAY_MUTE = "analytics.change_alert"
UNTIL_A_DAY = "day"
LONGEST = timedelta(days=366)


class DayInput(UnfoldAdminTextInputWidget):
    """The browser's own calendar: the theme's has no place in a dialog."""

    input_type = "date"


class MuteForm(DialogForm):
    """For how long."""

    how_long = forms.ChoiceField(
        label="For how long",
        choices=[("1", "1 hour"), ("24", "24 hours"), ("168", "7 days"), (UNTIL_A_DAY, "Until a day")],
        initial="24",
        widget=UnfoldAdminRadioSelectWidget(),
    )
    last_day = forms.DateField(label="Until", required=False, widget=DayInput(), help_text="The last day, included.")

    def clean_last_day(self) -> date | None:
        """A day to come, if that was chosen."""
        day: date | None = self.cleaned_data["last_day"]
        if self.cleaned_data.get("how_long") != UNTIL_A_DAY:
            return None
        latest = shop_day(now() + LONGEST)
        if day is None or not shop_day(now()) <= day <= latest:
            raise forms.ValidationError(f"From today to {latest}.")
        return day

    def until(self) -> datetime:
        """When it is over."""
        day = self.cleaned_data["last_day"]
        return day_bounds(day)[1] if day else now() + timedelta(hours=int(self.cleaned_data["how_long"]))


class StateFilter(DropdownFilter):
    """Alerts that are open, or over."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(ended_at__isnull=self.value() == "open") if self.value() else queryset


@admin.register(Alert)
class AlertAdmin(HistoryAdmin):
    """Found every five minutes, over by themselves. A kind can be muted."""

    list_display = ("began", "kind_text", "seen_at", "state", "ended", "muted")
    list_filter = (StateFilter, ("kind", ChoicesDropdownFilter), ("began_at", DayRangeFilter))
    sortable_by = ()
    fields = ("kind", "seen_at", "began", "ended", "told", "muted")
    readonly_fields = fields
    actions_detail = ("mute_kind", "unmute_kind")

    kind_text = badge("kind", {}, "Kind")
    began = moment("began_at", "Began")
    ended = moment("ended_at", "Ended")
    told = moment("told_at", "Told")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).with_mutes()  # type: ignore[attr-defined,no-any-return] # its manager's

    @display(description="What")
    def seen_at(self, alert: Alert) -> SafeString:
        """The sentence, as a link to the view that shows it."""
        link = view_of(alert.kind, alert.began_at, now=now())
        return format_html('<a href="{}" class="text-link ff-alert">{}</a>', link, alert.sentence)

    @display(description="State", label={"Open": BAD, "Over": "default"})
    def state(self, alert: Alert) -> str:
        return "Over" if alert.ended_at else "Open"

    @display(description="Muted")
    def muted(self, alert: Any) -> SafeString | str:
        """Until when its kind is, and by whom."""
        if alert.muted_until is None or alert.muted_until <= now():
            return NOTHING
        by = f" by {alert.muted_by}" if alert.muted_by else ""
        return format_html('<span class="ff-muted">until {}{}</span>', moment_text(alert.muted_until), by)

    @action(
        description="Mute",
        icon="notifications_off",
        permissions=["mute"],
        dialog=ask(
            "Mute alerts of this kind?",
            "They are still found and listed here, but stand on no dashboard and nobody gets a mail.",
            "Mute",
            MuteForm,
        ),
    )
    def mute_kind(self, request: HttpRequest, form: MuteForm, object_id: str) -> HttpResponse:
        """For as long as was chosen."""
        alert, until = Alert.objects.get(pk=object_id), form.until()
        mute(kind=AlertKind(alert.kind), until=until, user=request.user, now=now())  # type: ignore[arg-type] # logged in
        told = f"Alerts of the kind “{alert.get_kind_display()}” are muted until {localtime(until):%d %b %Y %H:%M}."
        return self.done(request, alert, told)

    @action(
        description="Unmute",
        icon="notifications",
        permissions=["unmute"],
        dialog=ask("Hear of alerts of this kind again?", "Of one that is open and was not mailed, at once.", "Unmute"),
    )
    def unmute_kind(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Ends the mute of its kind."""
        alert = Alert.objects.get(pk=object_id)
        unmute(kind=AlertKind(alert.kind))
        return self.done(request, alert, f"Alerts of the kind “{alert.get_kind_display()}” are heard again.")

    def done(self, request: HttpRequest, alert: Alert, text: str) -> HttpResponse:
        """Says it, and logs it."""
        self.log_change(request, alert, text)
        return decided(self, request, text, page=record_page("analytics_alert", alert.pk))

    def has_mute_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this person may mute, and there is such an alert."""
        if not request.user.has_perm(MAY_MUTE):
            return False
        return not object_id or is_there(Alert.objects.all(), str(object_id))

    def has_unmute_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The same, of a kind that is muted."""
        return request.user.has_perm(MAY_MUTE) and is_there(Alert.objects.muted(now()), str(object_id))
