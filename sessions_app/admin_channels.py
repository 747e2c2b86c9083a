"""Channels that staff add to the built-in ones, with a look at the visits that a rule speaks of."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from core.admin import RecordForm, ShopAdmin, derived, moment
from core.clock import now
from sessions_app.channel_rules import Kind, book, rule_value
from sessions_app.models import ChannelRule, VisitorSession

LOOKED_AT = 10_000
"""Visits, the newest: so the cost of the page does not grow with the table."""
SINCE = timedelta(days=30)


class ChannelRuleForm(RecordForm):
    """A rule whose value is spelt as visits are."""

    class Meta:
        help_texts = {
            "value": _(
                "A host such as news.example.com, which stands for its subdomains too; or a value of the parameter. "
                "Upper and lower case are the same."
            ),
            "channel": _("Holds for visits that begin from now on, within 30 seconds everywhere."),
            "note": _("For your colleagues: why."),
        }

    def clean_value(self) -> str:
        """The value as it is compared, once it is known with what (`kind` stands before it)."""
        given: str = self.cleaned_data["value"]
        kind = self.cleaned_data.get("kind")
        return rule_value(kind, given) if kind else given


class ChannelRuleAdmin(ShopAdmin):
    """The rules of staff. They go before the built-in sets, for visits that begin from now on."""

    form = ChannelRuleForm
    list_display = ("value", "kind", "channel", "note", "created")
    list_filter = (("kind", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter))
    search_fields = ("value", "note")
    search_help_text = _("Part of a value or a note")
    sortable_by = ("value", "created")
    readonly_fields = ("lately", "created")

    created = moment("created_at", "Created")
    lately = derived("Lately", lambda rule: lately_text(rule))

    def get_fields(self, request: HttpRequest, obj: ChannelRule | None = None) -> Any:
        """A rule that is not there yet has neither a time nor visits."""
        fields = ("kind", "value", "channel", "note")
        return (*fields, "lately", "created") if obj else fields

    def save_model(self, request: HttpRequest, obj: ChannelRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(book.forget)

    def delete_model(self, request: HttpRequest, obj: ChannelRule) -> None:
        super().delete_model(request, obj)
        transaction.on_commit(book.forget)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ChannelRule]) -> None:
        super().delete_queryset(request, queryset)
        transaction.on_commit(book.forget)


def lately_text(rule: ChannelRule) -> str:
    """How many of the newest visits came as the rule says, whatever their channel."""
    newest = VisitorSession.objects.filter(started_at__gte=now() - SINCE).order_by("-started_at")
    columns = newest.values("pk", "referrer_host", "utm_source", "utm_medium")[:LOOKED_AT]
    counts = columns.aggregate(all=Count("pk"), matching=Count("pk", filter=matching(rule)))
    return gettext("%(matching)d of the newest %(all)d visits of the last 30 days") % counts


def matching(rule: ChannelRule) -> Q:
    """The visits that came as the rule says."""
    if rule.kind == Kind.REFERRER_HOST:
        return Q(referrer_host=rule.value) | Q(referrer_host__endswith=f".{rule.value}")
    return Q(**{f"{rule.kind.replace(' ', '_')}__iexact": rule.value})
