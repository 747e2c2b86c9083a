"""The rules of the payment window, in the order in which they are tried."""

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import NotedList, ShopAdmin
from core.money import money_text
from orders.models import WindowRule


@admin.register(WindowRule)
class WindowRuleAdmin(NotedList, ShopAdmin):
    """The list is the precedence: the first active rule that fits counts."""

    list_display = ("position", "name", "conditions", "duration_minutes", "max_attempts", "is_active")
    list_display_links = ("name",)
    list_editable = ("position", "is_active")
    list_select_related = ("category", "customer_group")
    ordering = ("position", "id")
    sortable_by = ()
    autocomplete_fields = ()
    fieldsets = (
        (None, {"fields": (("name", "is_active"), "position")}),
        (
            _("For orders to which all of this applies"),
            {"fields": ("category", "minimum_total", "customer_group")},
        ),
        (_("The payment window"), {"fields": (("duration_minutes", "max_attempts"),)}),
    )

    def note(self) -> str:
        return gettext(
            "The first active rule that fits an order counts, from the lowest position to the highest; of two with one "
            "position the older. An order that none fits has %(minutes)d minutes and %(attempts)d attempts. A change "
            "holds for orders placed from then on."
        ) % {
            "minutes": settings.ORDER_SESSION_DURATION_MINUTES,
            "attempts": settings.ORDER_SESSION_MAX_ATTEMPTS,
        }

    @display(description="Conditions")
    def conditions(self, rule: WindowRule) -> str:
        return conditions_of(rule)


def conditions_of(rule: WindowRule) -> str:
    """What must apply, as people say it."""
    parts = []
    if rule.category is not None:
        parts.append(gettext("something of %(category)s") % {"category": rule.category.name})
    if rule.minimum_total is not None:
        parts.append(gettext("from %(total)s") % {"total": money_text(rule.minimum_total)})
    if rule.customer_group is not None:
        parts.append(gettext("customers of %(group)s") % {"group": rule.customer_group.name})
    return ", ".join(parts)
