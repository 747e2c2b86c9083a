"""Visits and what happened in them: to be read.

`VisitorSalt` is not here. Who can read the salt of a day can tell from an address and a user agent which
visits of that day were whose, and that is what the salt is there to prevent.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from core.admin import (
    BAD,
    GOOD,
    NOTHING,
    PLAIN,
    Chip,
    ChippedList,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    as_uuid,
    derived,
    moment,
    moment_text,
    record_link,
    table,
    with_email,
)
from core.clock import now
from core.postgresql.replica import from_replica
from customers.models import Customer
from sessions_app.admin_channels import ChannelRuleAdmin
from sessions_app.admin_erasing import AnswersVisitors
from sessions_app.admin_filters import VisitFilter, visit_chips
from sessions_app.admin_visitor import VisitorView
from sessions_app.models import (
    Channel,
    ChannelRule,
    ConsentRecord,
    CrawlerDay,
    DeadLetter,
    SessionEvent,
    VisitorSession,
)
from sessions_app.visit_page import context_of

LONGEST_TEXT = 48
KNOWN_EVENTS = (
    "page_view",
    "product_view",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "checkout_started",
    "order_placed",
    "order_completed",
    "payment_failed",
    "customer_login",
)
CHANNELS: dict[str, str] = {
    Channel.PAID: BAD,
    Channel.EMAIL: GOOD,
    Channel.CAMPAIGN: GOOD,
    Channel.SOCIAL: "primary",
    Channel.ORGANIC_SEARCH: PLAIN,
    Channel.REFERRAL: "warning",
    Channel.DIRECT: "default",
}


class EventTypeFilter(DropdownFilter):
    """One of the kinds of event that the shop knows; shops may send others of their own."""

    title = "event"
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind.replace("_", " ")) for kind in KNOWN_EVENTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(event_type=self.value()) if self.value() else queryset


class FiguresAdmin(HistoryAdmin):
    """Rows so many that their list is read from the replica, where there is one."""

    @from_replica
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, extra_context)


@admin.register(VisitorSession)
class VisitorSessionAdmin(ChippedList, KeySearch, AnswersVisitors, FiguresAdmin):
    """The visits, newest first."""

    list_display = (
        "started",
        "whose",
        "channel_text",
        "campaign",
        "landing",
        "device",
        "country",
        "pages",
        "carts",
        "checkouts",
        "order",
        "paid",
    )
    list_filter = (
        ("started_at", DayRangeFilter),
        VisitFilter,
        ("channel", ChoicesDropdownFilter),
        ("device", ChoicesDropdownFilter),
        ("consent", ChoicesDropdownFilter),
        ("converted", BooleanRadioFilter),
        ("unconfirmed", BooleanRadioFilter),
    )
    sortable_by = ("started",)
    compressed_fields = False
    search_help_text = "Id of a visit or a visitor, or begin of a customer's e-mail address"
    readonly_fields = ("page_views", "product_views", "order", "visitor", "arrivals")
    seen_with = {"order": "orders.view_order", "customer": "customers.view_customer"}
    change_form_outer_before_template = "admin/sessions_app/visit.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("session_id", "visitor"),
                    ("started_at", "last_seen_at", "ended_at", "erased_at"),
                    ("type", "customer", "consent"),
                    ("order", "converted", "converted_at"),
                )
            },
        ),
        (
            "Came by",
            {
                "fields": (
                    ("channel", "landing_page"),
                    ("referrer", "referrer_host"),
                    ("utm_source", "utm_medium", "utm_campaign"),
                    ("utm_term", "utm_content"),
                    "arrivals",
                )
            },
        ),
        ("With", {"fields": (("device", "browser", "os"), ("country", "city", "ip_prefix"), "user_agent", "is_bot")}),
        (
            "Did",
            {
                "fields": (
                    ("page_views", "product_views", "events_count"),
                    ("cart_additions", "checkouts_started", "other_events"),
                    ("script_page_views", "api_page_views", "unconfirmed"),
                )
            },
        ),
    )

    def named_chips(self, request: HttpRequest) -> Iterable[Chip]:
        return visit_chips(request.GET)

    def find(self, rows: QuerySet[VisitorSession], word: str) -> QuerySet[VisitorSession]:
        if key := as_uuid(word):
            return rows.filter(pk=key) if rows.filter(pk=key).exists() else rows.filter(visitor_id=key)
        return rows.filter(customer__in=with_email(Customer.objects.order_by(), word))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[VisitorSession], search_term: str
    ) -> tuple[QuerySet[VisitorSession], bool]:
        """Without an address for those who may not see customers: what is found would tell of them."""
        if search_term.strip() and not as_uuid(search_term.strip()) and not self.may_be_seen(request, "customer"):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    started = moment("started_at", "Started")
    pages = derived("Pages", lambda visit: visit.page_views)
    carts = derived("Cart", lambda visit: visit.cart_additions or NOTHING)
    checkouts = derived("Checkout", lambda visit: visit.checkouts_started or NOTHING)

    campaign = derived("Campaign", lambda visit: visit.utm_campaign or NOTHING)

    @display(description="Paid", boolean=True)
    def paid(self, visit: VisitorSession) -> bool:
        return visit.converted

    @display(description="Channel", label=CHANNELS)
    def channel_text(self, visit: VisitorSession) -> str:
        return visit.channel

    @display(description="Landing page")
    def landing(self, visit: VisitorSession) -> str:
        return shortened(visit.landing_page)

    @display(description="Arrivals")
    def arrivals(self, visit: VisitorSession) -> SafeString | str:
        names = ("channel", "utm_source", "utm_medium", "utm_campaign", "referrer")
        rows = [
            [moment_text(parse_datetime(touch.get("at", ""))), *(touch.get(name, NOTHING) for name in names)]
            for touch in visit.touches
        ]
        return table(["When", "Channel", "Source", "Medium", "Campaign", "Referrer"], rows)

    @display(description="Order")
    def order(self, visit: VisitorSession) -> SafeString | str:
        return record_link("orders_order", visit.order_id, "Order") if visit.order_id else NOTHING

    visitor = derived("Visitor", lambda visit: visitor_link(visit, visit.visitor_id))
    whose = derived("Visitor", lambda visit: visitor_link(visit, "Visits"))

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(VisitorView.as_view(model_admin=self))
        return [path("visitor/<uuid:visitor_id>/", page, name="sessions_app_visitor"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        may = request.user.has_perm
        told = context_of(object_id, may, request.GET, now=now()) if self.has_view_permission(request) else {}
        return super().changeform_view(request, object_id, form_url, (extra_context or {}) | told)


@admin.register(SessionEvent)
class SessionEventAdmin(KeySearch, FiguresAdmin):
    """Everything that happened, newest first."""

    list_display = ("when", "event_type", "page_text", "source", "product", "visit")
    list_filter = (("timestamp", DayRangeFilter), EventTypeFilter, ("source", ChoicesDropdownFilter))
    sortable_by = ("when",)
    search_help_text = "Id of an event or a visit"
    seen_with = {"product": "catalog.view_product", "visit": "sessions_app.view_visitorsession"}
    readonly_fields = ("product", "visit")
    fields = ("timestamp", "received_at", "event_type", "source", "page", "product", "visit", "metadata", "event_id")

    def find(self, rows: QuerySet[SessionEvent], word: str) -> QuerySet[SessionEvent]:
        key = as_uuid(word)
        if key is None:
            return rows.none()
        return rows.filter(pk=key) if rows.filter(pk=key).exists() else rows.filter(session=key)

    when = moment("timestamp", "When")

    @display(description="Page")
    def page_text(self, event: SessionEvent) -> str:
        return shortened(event.page)

    @display(description="Product")
    def product(self, event: SessionEvent) -> SafeString | str:
        return record_link("catalog_product", event.product_id, "Product") if event.product_id else NOTHING

    @display(description="Visit")
    def visit(self, event: SessionEvent) -> SafeString:
        return record_link("sessions_app_visitorsession", event.session_id, "Visit")


@admin.register(ConsentRecord)
class ConsentRecordAdmin(KeySearch, HistoryAdmin):
    """Who chose what, as proof."""

    list_display = ("when", "choice_text", "policy_version", "visitor_id")
    list_filter = (("choice", ChoicesDropdownFilter),)
    sortable_by = ()
    search_help_text = "Id of a visitor"
    when = moment("created_at", "When")

    def find(self, rows: QuerySet[ConsentRecord], word: str) -> QuerySet[ConsentRecord]:
        key = as_uuid(word)
        return rows.filter(visitor_id=key) if key else rows.none()

    @display(description="Choice", label={"granted": GOOD, "denied": BAD, "unknown": PLAIN})
    def choice_text(self, record: ConsentRecord) -> str:
        return record.choice


@admin.register(CrawlerDay)
class CrawlerDayAdmin(FiguresAdmin):
    """Crawlers, counted apart."""

    list_display = ("day", "source", "page_views")
    list_filter = (("source", ChoicesDropdownFilter),)


@admin.register(DeadLetter)
class DeadLetterAdmin(HistoryAdmin):
    """Events that could not be stored. `manage.py dead_letters --replay` tries them again."""

    list_display = ("when", "error_text")
    list_filter = (("created_at", DayRangeFilter),)
    sortable_by = ()
    when = moment("created_at", "When")

    @display(description="Error")
    def error_text(self, letter: DeadLetter) -> str:
        return letter.error[:200]


admin.site.register(ChannelRule, ChannelRuleAdmin)


def visitor_link(visit: VisitorSession, text: object) -> SafeString:
    """A link to the page of the visitor."""
    address = reverse("admin:sessions_app_visitor", args=[visit.visitor_id])
    return format_html('<a href="{}" class="text-link whitespace-nowrap">{}</a>', address, text)


def shortened(text: str) -> str:
    """A path that fits a column."""
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
