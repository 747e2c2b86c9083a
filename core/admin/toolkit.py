"""What the staff screens share: bounded counts, search by keys, money, shop days, read-only history."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import EmptyResultSet
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django_celery_beat import admin as beat
from unfold import decorators
from unfold.admin import checkbox
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display
from unfold.utils import display_for_label, parse_date_str
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from core.admin.screen import Screen
from core.clock import day_bounds
from core.money import MoneyField, minor_digits, money_text, round_money

if TYPE_CHECKING:  # unfold and beat carry no types; what they extend does
    Inline = admin.TabularInline[Any, Any]
    PlainPaginator = Paginator[Any]
    RecordForm = forms.ModelForm[Any]
    DialogForm = forms.Form

    class BeatScreen(Screen):
        """django-celery-beat's."""

        def enable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
            """Lets these jobs run."""

        def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
            """Lets them rest."""
else:
    from unfold.admin import TabularInline as Inline
    from unfold.forms import BaseDialogForm

    BeatScreen, PlainPaginator = beat.PeriodicTaskAdmin, Paginator
    RecordForm, DialogForm = forms.ModelForm, BaseDialogForm

COUNTED = 10_000
"""Rows. A list counts this far and says `10,000+` beyond; further back one filters by day."""
FAR = 1_000
"""Rows that a page passes over."""
NOTHING = "–"
GOOD, BAD, WAITING, PLAIN = "success", "danger", "warning", "info"

Shown = Callable[[Any, Any], Any]
F = TypeVar("F", bound=Callable[..., Any])


class AtLeast(int):
    """A count that stopped at its bound, and says so."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class BoundedPaginator(PlainPaginator):
    """Counts no further than `COUNTED`, so that the cost of a page does not grow with the table. Far back it passes
    over keys rather than rows: these are wide, and come with what they are shown with.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return bounded_count(rows)

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        passed = (number - 1) * self.per_page
        if passed < FAR:
            return super().page(number)
        rows: Any = self.object_list
        keys = list(rows.values_list("pk", flat=True)[passed : passed + self.per_page])
        return Page(rows.filter(pk__in=keys), number, self)


def bounded_count(rows: QuerySet[Any]) -> int:
    """How many rows there are, counted as far as `COUNTED`."""
    found = rows.order_by()[: COUNTED + 1].count()
    return AtLeast(COUNTED) if found > COUNTED else found


class DayRangeFilter(RangeDateFilter):
    """From one shop day to another, both included."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self._day(end) for end in ("from", "to"))
        try:
            if first:
                queryset = queryset.filter(**{f"{self.field_path}__gte": day_bounds(first)[0]})
            if last:
                queryset = queryset.filter(**{f"{self.field_path}__lt": day_bounds(last)[1]})
        except OverflowError as error:  # the year 9999 has no next one
            raise IncorrectLookupParameters(error) from error
        return queryset

    def _day(self, end: str) -> Any:
        return parse_date_str(str(self.used_parameters.get(f"{self.field_path}_{end}", "")))


class MoneyInput(forms.DecimalField):
    """An amount in the shop's currency, with as many decimals as that has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"decimal_places": minor_digits(settings.SHOP_CURRENCY)})

    def prepare_value(self, value: Any) -> Any:
        return round_money(value, settings.SHOP_CURRENCY) if isinstance(value, Decimal) else value


class BoundedList(ChangeList):
    """A list that offers to show all only where something is left out."""

    full_result_count: int | None

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """The rows that the address asks for.

        Raises:
            IncorrectLookupParameters: it asks for what cannot be, such as the year -1, or text with a null byte.
        """
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        if self.get_filters_params():
            require_askable(rows)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.get_filters_params():
            self.full_result_count = self.result_count


def require_askable(rows: QuerySet[Any]) -> None:
    """Django finds some of it only when it asks.

    Raises:
        IncorrectLookupParameters: PostgreSQL cannot be asked that.
    """
    try:
        _sql, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return
    except (ValueError, OverflowError) as error:
        raise IncorrectLookupParameters(error) from error
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise IncorrectLookupParameters


MONEY_INPUTS: dict[Any, Any] = {MoneyField: {"form_class": MoneyInput, "widget": UnfoldAdminDecimalFieldWidget}}


OF_A_ROW = "key-of-a-row"


@lru_cache(maxsize=8)
def row_checkbox(_language: str) -> str:
    """The theme's box to select a row by. Drawn once: drawing takes a millisecond."""
    return checkbox.render(ACTION_CHECKBOX_NAME, OF_A_ROW)


class ShopAdmin(Screen):
    """A list that stays fast at a million rows, and a form that writes only what it shows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    empty_value_display = NOTHING
    formfield_overrides = MONEY_INPUTS
    seen_with: ClassVar[Mapping[str, str]] = {}
    """Columns and fields that need a permission of their own, and which."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedList

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return [name for name in columns if self.may_be_seen(request, name)] if self.seen_with else columns

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not self.seen_with:
            return fieldsets
        return [(title, options | {"fields": self.seen(request, options["fields"])}) for title, options in fieldsets]

    def seen(self, request: HttpRequest, fields: Iterable[Any]) -> list[Any]:
        """The fields, alone or in lines, that this person may see."""
        lines = [
            name if isinstance(name, str) else tuple(part for part in name if self.may_be_seen(request, part))
            for name in fields
        ]
        return [line for line in lines if line and (not isinstance(line, str) or self.may_be_seen(request, line))]

    def may_be_seen(self, request: HttpRequest, name: Any) -> bool:
        """Whether this person may see a column or field."""
        permission = self.seen_with.get(name)
        return permission is None or request.user.has_perm(permission)

    @display(description=getattr(Screen.action_checkbox, "short_description", ""))
    def action_checkbox(self, obj: Any) -> SafeString:
        return mark_safe(row_checkbox(get_language()).replace(OF_A_ROW, escape(obj.pk)))  # noqa: S308 - escaped

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Saves the form's own columns: the whole row would bring back totals as they were when read."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {field.name for field in obj._meta.concrete_fields if not field.primary_key}
        obj.save(update_fields=columns & set(form.cleaned_data))


class KeySearch(Screen):
    """Search by keys that have an index. `search_fields` only tells Django that there is a search."""

    search_fields = ("pk",)

    def find(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The rows of that key."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        return (self.find(queryset, word) if word else queryset), False


class NotedList(Screen):
    """A list with a sentence above it."""

    list_before_template = "admin/list_note.html"

    def note(self) -> str:
        """What stands above the list; "" is nothing."""
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, (extra_context or {}) | {"list_note": self.note()})


class ReadOnlyMixin:
    """Nobody adds, changes or deletes here, whatever their permissions."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HistoryAdmin(ReadOnlyMixin, ShopAdmin):
    """What happened. It can be read."""


class HistoryInline(ReadOnlyMixin, Inline):
    """What happened to the record above, a page at a time."""

    extra = 0
    can_delete = False
    per_page = 20
    hide_title = True


def action(**options: Any) -> Callable[[F], F]:
    """unfold's `action`, typed. One that changes something takes `dialog`: without it, it runs on a plain GET."""
    return cast(Callable[[F], F], decorators.action(**options))


def as_uuid(word: str) -> UUID | None:
    """The id that somebody pasted, or None."""
    try:
        return UUID(word)
    except ValueError:
        return None


def with_email(rows: QuerySet[Any], word: str) -> QuerySet[Any]:
    """Rows whose `email` begins so, in any case, by the index on lower(email)."""
    found: QuerySet[Any] = rows.alias(email_lower=Lower("email"))
    return found.filter(email_lower__startswith=word.lower())


def money(field: str, description: str) -> Shown:
    """A column or field with an amount as people write it: `£48.90`."""

    @display(description=description, ordering=field)
    def shown(_screen: Any, row: Any) -> str:
        amount = getattr(row, field)
        return NOTHING if amount is None else money_text(amount, getattr(row, "currency", None))

    return cast(Shown, shown)


def badge(field: str, colours: dict[str, str], description: str) -> Shown:
    """A column with a choice as a coloured label."""

    @display(description=description, ordering=field)
    def shown(_screen: Any, row: Any) -> SafeString:
        return label_of(str(getattr(row, f"get_{field}_display")()), colours.get(getattr(row, field), ""))

    return cast(Shown, shown)


@lru_cache(maxsize=256)
def label_of(text: str, colour: str) -> SafeString:
    """A text as the theme labels it. A list has hundreds of the same few, and drawing one takes half a millisecond."""
    return display_for_label(("", text), NOTHING, {"": colour})


def moment(field: str, description: str) -> Shown:
    """A column or field with day and time."""

    @display(description=description, ordering=field)
    def shown(_screen: Any, row: Any) -> SafeString | str:
        return moment_text(getattr(row, field))

    return cast(Shown, shown)


def moment_text(instant: datetime | None) -> SafeString | str:
    """Day and time to the second on one line, in the admin's time zone."""
    return unbroken(f"{localtime(instant):%d %b %Y %H:%M:%S}") if instant else NOTHING


def unbroken(text: object) -> SafeString:
    """Text that stays on one line."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def derived(description: str, read: Callable[[Any], Any]) -> Shown:
    """A column or field whose text is worked out from the row by a function."""

    @display(description=description)
    def shown(_screen: Any, row: Any) -> Any:
        return read(row)

    return cast(Shown, shown)


def record_page(model: str, key: object) -> str:
    """The address of a record's page; `model` as in `orders_order`."""
    return reverse(f"admin:{model}_change", args=[key])


def record_link(model: str, key: object, text: object) -> SafeString:
    """A link to the page of a record."""
    return format_html('<a href="{}" class="text-link whitespace-nowrap">{}</a>', record_page(model, key), text)


def list_link(model: str, query: str, text: object) -> SafeString:
    """A link to a filtered list; `model` as in `orders_order`."""
    return format_html('<a href="{}?{}" class="text-link">{}</a>', reverse(f"admin:{model}_changelist"), query, text)


def table(headers: list[str], rows: Iterable[list[Any]]) -> SafeString | str:
    """A small table on a record's page."""
    data = {"headers": headers, "rows": list(rows)}
    if not data["rows"]:
        return NOTHING
    drawn = mark_safe(render_to_string("unfold/components/table.html", {"table": data}))  # noqa: S308 - a template's
    return format_html('<div class="ff-wide">{}</div>', drawn)
