"""Checkouts that were left, what was done about them and what came of it; and the addresses that want no reminders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from checkout import services
from checkout.admin.records import CheckoutScreen
from checkout.models import AbandonedCheckout, CheckoutSession, ReminderAddress
from checkout.tokens import restore_link
from core.admin import (
    NOTHING,
    PLAIN,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    NotedList,
    action,
    as_uuid,
    ask,
    bounded_count,
    decided,
    derived,
    is_there,
    moment,
    record_link,
    with_email,
)
from core.clock import now
from core.money import ZERO, money_text
from orders.models import Order
from orders.order_page import attempts_of

REMINDER = {"asked": WAITING, "sent": PLAIN, "dropped": "default"}
NOTE_DAYS = 28


class RecoveredFilter(DropdownFilter):
    """Whether the shopper came back by the link, and paid."""

    title = _("recovered")
    parameter_name = "recovered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("Recovered")), ("no", gettext("Not recovered"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"yes": False, "no": True}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(recovered_at__isnull=wanted)


@admin.register(AbandonedCheckout)
class AbandonedCheckoutAdmin(NotedList, CheckoutScreen):
    """Those that ended without being bought, the last one first. The link to the cart stands on the page of one."""

    list_display = ("lapsed", "total", "pieces", "reached", "failure", "email", "reminded", "recovered")
    list_select_related = ("order__session", "recovered_order")
    list_filter = (
        ("reminder", ChoicesDropdownFilter),
        RecoveredFilter,
        ("status", ChoicesDropdownFilter),
        ("lapsed_at", DayRangeFilter),
    )
    ordering = ("-lapsed_at",)
    sortable_by = ("lapsed",)
    search_help_text = "Id of a checkout, number of an order, or begin of an e-mail address"
    readonly_fields = (
        *CheckoutScreen.readonly_fields,
        "failure",
        "lapsed",
        "link",
        "asked",
        "mailed",
        "recovered",
    )
    fieldsets = (
        (None, {"fields": (("lapsed", "reached", "failure"), ("order_link", "visit", "coupon"))}),
        (_("Back to the cart"), {"fields": ("link", ("asked", "mailed", "recovered"))}),
        *CheckoutScreen.fieldsets[1:],
    )

    lapsed = moment("lapsed_at", "Abandoned")
    asked = moment("reminder_asked_at", "Asked for a reminder")
    mailed = moment("reminded_at", "Reminded")
    failure = derived("Payment", lambda checkout: failure_of(checkout.order))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Abandoned ones, with the attempts to pay."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(lapsed_at__isnull=False).prefetch_related("order__session__attempts")

    def find(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        if "@" in word and not as_uuid(word):
            return with_email(rows.exclude(email=""), word)
        return super().find(rows, word)

    def note(self) -> str:
        return note_of_days(NOTE_DAYS)

    @display(description="Reminder", label=REMINDER)
    def reminded(self, checkout: CheckoutSession) -> tuple[str, str] | str:
        return (checkout.reminder, checkout.get_reminder_display()) if checkout.reminder else NOTHING

    @display(description="Recovered")
    def recovered(self, checkout: CheckoutSession) -> SafeString | str:
        if checkout.recovered_total is None:
            return NOTHING
        order = checkout.recovered_order
        amount = money_text(checkout.recovered_total, order.currency if order else None)
        return record_link("orders_order", order.pk, amount) if order else amount

    @display(description="Link")
    def link(self, checkout: CheckoutSession) -> SafeString:
        """To be read out or sent by staff: it opens the cart in any browser and tells nothing else."""
        field = '<input type="text" readonly value="{}" class="ff-copy" aria-label="{}"> <p class="ff-small">{}</p>'
        hint = gettext("Copy it for the shopper. It holds for 30 days and shows the cart alone: no name, no address.")
        return format_html(field, restore_link(checkout.pk), gettext("Link to the cart"), hint)


@admin.register(ReminderAddress)
class ReminderAddressAdmin(KeySearch, HistoryAdmin):
    """Addresses whose owners want no reminders of checkouts."""

    list_display = ("email", "unsubscribed")
    list_filter = (("unsubscribed_at", DayRangeFilter),)
    sortable_by = ("unsubscribed",)
    search_help_text = _("Begin of the e-mail address")
    fields = ("email", "unsubscribed", "last")
    readonly_fields = ("unsubscribed", "last")
    actions_detail = ("allow",)

    unsubscribed = moment("unsubscribed_at", "Unsubscribed")
    last = moment("reminded_at", "Last reminder")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReminderAddress]:
        rows: QuerySet[ReminderAddress] = super().get_queryset(request)
        return rows.filter(unsubscribed_at__isnull=False)

    def find(self, rows: QuerySet[ReminderAddress], word: str) -> QuerySet[ReminderAddress]:
        return with_email(rows, word)

    @action(
        description=_("Allow reminders again"),
        icon="notifications_active",
        permissions=["allow"],
        dialog=ask(
            _("Allow reminders to this address again?"),
            _("Only if its owner asked for it. Reminders still go to those alone who ask for one."),
            _("Allow"),
        ),
    )
    def allow(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        address = ReminderAddress.objects.get(pk=object_id)
        if services.allow_again(address_id=address.pk):
            self.log_change(request, address, "Reminders allowed again.")
        page = reverse("admin:checkout_reminderaddress_changelist")
        return decided(self, request, gettext("Reminders are allowed again."), page=page)

    def has_allow_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether it is on the list, and this person may."""
        may = request.user.has_perm("checkout.change_reminderaddress")
        return may and is_there(self.get_queryset(request), object_id)


def failure_of(order: Order | None) -> str:
    """How paying ended, if it came so far: the order's state, and what became of the last attempt."""
    if order is None:
        return NOTHING
    attempts = sorted(attempts_of(order), key=lambda attempt: attempt.number)
    if not attempts:
        return f"{order.status}, not tried"
    return f"{order.status}, attempt {attempts[-1].number}: {attempts[-1].status}"


def note_of_days(days: int) -> str:
    """What was abandoned and what came back in the last days. Each is counted by its own day."""
    since = now() - timedelta(days=days)
    rows = CheckoutSession.objects.order_by()
    back = rows.filter(recovered_at__gte=since).aggregate(number=Count("pk"), revenue=Sum("recovered_total"))
    return gettext(
        "Last %(days)d days: %(abandoned)s abandoned, %(reminded)s reminded, %(recovered)d recovered (%(revenue)s)."
    ) % {
        "days": days,
        "abandoned": bounded_count(rows.filter(lapsed_at__gte=since)),
        "reminded": bounded_count(rows.filter(reminded_at__gte=since)),
        "recovered": back["number"],
        "revenue": money_text(back["revenue"] or ZERO),
    }
