"""The schedule of the jobs: django-celery-beat's own screens in our theme."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin.screen import Screen
from core.admin.toolkit import BeatScreen, Inline, action


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """The registered tasks in a drop-down."""


class ScheduledJobForm(beat.PeriodicTaskForm):
    """The form of a scheduled job."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


class ScheduledJobAdmin(BeatScreen, Screen):
    """What runs when. Without the action "run now": it would publish to Celery from inside a request."""

    form = ScheduledJobForm
    change_form_template = None  # beat's own has an inline script, which our pages do not run
    date_hierarchy = None
    list_display = ("name", "enabled", "scheduler", "queue", "last_run_at", "total_run_count")
    list_filter = (("enabled", BooleanRadioFilter), ("one_off", BooleanRadioFilter))
    actions = ("enable_tasks", "disable_tasks")

    @action(description="Enable selected tasks", permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.switch(request, queryset, super().enable_tasks, "Enabled.")

    @action(description="Disable selected tasks", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.switch(request, queryset, super().disable_tasks, "Disabled.")

    def switch(self, request: HttpRequest, jobs: QuerySet[Any], act: Callable[..., None], done: str) -> None:
        """Does it, and logs it job by job; the package would let those who may only look, and log nothing."""
        chosen = list(jobs)
        act(request, jobs)
        for job in chosen:
            self.log_change(request, job, done)


class JobInline(beat.PeriodicTaskInline, Inline):
    """The jobs that follow a schedule."""


class ScheduleAdmin(Screen):
    """A schedule and the jobs that follow it."""

    inlines = [JobInline]


class CrontabScheduleAdmin(ScheduleAdmin):
    """A schedule by the clock."""

    list_display = beat.CrontabScheduleAdmin.list_display
    fields = beat.CrontabScheduleAdmin.fields
    readonly_fields = beat.CrontabScheduleAdmin.readonly_fields


SCHEDULES: dict[type[Model], type[Screen]] = {
    PeriodicTask: ScheduledJobAdmin,
    CrontabSchedule: CrontabScheduleAdmin,
    IntervalSchedule: ScheduleAdmin,
    ClockedSchedule: ScheduleAdmin,
    SolarSchedule: ScheduleAdmin,
}
admin.site.unregister(SCHEDULES)
for scheduled_model, screen in SCHEDULES.items():
    admin.site.register(scheduled_model, screen)
