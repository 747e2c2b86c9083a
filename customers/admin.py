"""Who buys, and who may log in."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import EmailField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RangeNumericFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from core.admin import (
    BAD,
    GOOD,
    PLAIN,
    DayRangeFilter,
    KeySearch,
    Screen,
    ShopAdmin,
    action,
    as_uuid,
    ask,
    badge,
    decided,
    is_there,
    list_link,
    moment,
    money,
    record_page,
    with_email,
)
from core.clock import now
from customers.admin_erasing import AnswersCustomers
from customers.admin_password import PasswordForm
from customers.admin_tokens import ApiTokenAdmin
from customers.models import Address, Customer, CustomerGroup, User
from customers.services import reset_second_factor, set_status
from customers.services.moving import tell_old_address

if TYPE_CHECKING:  # unfold carries no types; what it extends does
    from django.contrib.admin import StackedInline as PlainStackedInline
    from django.contrib.auth.forms import AdminUserCreationForm as PlainNewUserForm
    from django.contrib.auth.forms import UserChangeForm as PlainUserForm

    StackedInline = PlainStackedInline[Any, Any]
    UserScreen = PlainUserAdmin[User]
    UserChangeForm = PlainUserForm[User]
    AdminUserCreationForm = PlainNewUserForm[User]
else:
    from unfold.admin import StackedInline
    from unfold.forms import UserChangeForm
    from unfold.forms import UserCreationForm as AdminUserCreationForm

    UserScreen = PlainUserAdmin

__all__ = ["ApiTokenAdmin"]


class AddressInline(StackedInline):
    """Where a customer's parcels and invoices go."""

    model = Address
    extra = 0
    tab = True
    fields = (("kind", "is_default"), ("line1", "line2"), ("city", "region"), ("postal_code", "country"))


@admin.register(Customer)
class CustomerAdmin(KeySearch, AnswersCustomers, ShopAdmin):
    """Guests and registered customers. Their totals follow from their orders."""

    list_display = ("email", "full_name", "kind", "state", "total_orders", "spent", "last_order", "since")
    list_filter = (
        ("type", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("group", RelatedDropdownFilter),
        ("total_orders", RangeNumericFilter),
        ("created_at", DayRangeFilter),
    )
    sortable_by = ("email", "since")
    search_help_text = "Begin of the e-mail address, or an id"
    inlines = (AddressInline,)
    seen_with = {"orders": "orders.view_order", "visits": "sessions_app.view_visitorsession"}
    readonly_fields = (
        "user",
        "orders",
        "visits",
        "total_orders",
        "spent",
        "average",
        "first_visit_at",
        "first_order_at",
        "last_order_at",
        "created_at",
    )
    fieldsets = (
        (None, {"fields": ("email", ("first_name", "last_name"), "phone", ("type", "status", "group"), "user")}),
        ("Orders", {"fields": (("total_orders", "spent", "average"), ("first_order_at", "last_order_at"), "orders")}),
        ("Since", {"fields": (("first_visit_at", "created_at"), "visits")}),
    )
    add_fieldsets = ((None, {"fields": ("email", ("first_name", "last_name"), "phone", ("type", "status", "group"))}),)

    kind = badge("type", {"guest": PLAIN, "registered": GOOD}, "Type")
    state = badge("status", {"active": GOOD, "blocked": BAD}, "Status")
    spent = money("total_spent", "Total spent")
    last_order = moment("last_order_at", "Last order")
    since = moment("created_at", "Since")

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> Any:
        """The address of an account changes only when its owner proves the new one."""
        has_account = obj is not None and obj.user_id is not None
        return (*self.readonly_fields, "email") if has_account else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "status" in form.changed_data:
            set_status(customer=obj, status=obj.status)

    def find(self, rows: QuerySet[Customer], word: str) -> QuerySet[Customer]:
        key = as_uuid(word)
        return rows.filter(pk=key) if key else with_email(rows, word)

    @display(description="Name")
    def full_name(self, customer: Customer) -> str:
        return f"{customer.first_name} {customer.last_name}".strip()

    @display(description="Average order")
    def average(self, customer: Customer) -> str:
        return str(money("average_order_value", "")(self, customer))

    @display(description="Orders")
    def orders(self, customer: Customer) -> SafeString:
        return list_link("orders_order", f"customer__id__exact={customer.pk}", "All orders of this customer")

    @display(description="Visits")
    def visits(self, customer: Customer) -> SafeString:
        return list_link("sessions_app_visitorsession", f"customer__id__exact={customer.pk}", "Visits of this customer")


@admin.register(CustomerGroup)
class CustomerGroupAdmin(ShopAdmin):
    """Groups of customers. Who is in one is said on the customer's page."""

    list_display = ("name", "members")
    fields = ("name", "members")
    readonly_fields = ("members",)

    @display(description="Customers")
    def members(self, group: CustomerGroup) -> SafeString:
        return list_link("customers_customer", f"group__id__exact={group.pk}", "Customers of this group")


@admin.register(Address)
class AddressAdmin(ShopAdmin):
    """Every address; one edits them on the customer's page."""

    list_display = ("customer", "kind", "line1", "postal_code", "city", "country", "is_default")
    list_select_related = ("customer",)
    list_filter = (("kind", ChoicesDropdownFilter), ("is_default", BooleanRadioFilter))
    sortable_by = ()
    ordering = ("-id",)
    autocomplete_fields = ("customer",)


class UserForm(UserChangeForm):
    """An account, by e-mail."""

    class Meta:
        model = User
        fields = "__all__"
        field_classes = {"email": EmailField}


class NewUserForm(AdminUserCreationForm):
    """A new account, by e-mail."""

    class Meta:
        model = User
        fields = ("email",)
        field_classes = {"email": EmailField}


admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(KeySearch, UserScreen, Screen):
    """Accounts of staff and of registered customers. Only superusers are given this screen."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    paginator = ShopAdmin.paginator
    show_full_result_count = False
    show_facets = ShopAdmin.show_facets
    ordering = ("-id",)
    sortable_by = ("email",)
    list_display = (
        "email", "first_name", "last_name", "is_staff", "is_superuser", "is_active", "has_second_factor", "last_login"
    )  # fmt: skip
    list_filter_submit = True
    list_fullwidth = True
    list_filter = (
        ("is_staff", BooleanRadioFilter),
        ("is_superuser", BooleanRadioFilter),
        ("is_active", BooleanRadioFilter),
        ("groups", RelatedDropdownFilter),
    )
    search_help_text = "Begin of the e-mail address"
    readonly_fields = ("last_login", "date_joined", "factor_since")
    actions_detail = ("reset_factor",)
    fieldsets = (
        (None, {"fields": ("email", "password", ("first_name", "last_name"))}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Since", {"fields": (("last_login", "date_joined"), "factor_since")}),
    )
    factor_since = moment("second_factor_since", "Second factor")
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """The address of a customer's account changes only when its owner proves the new one."""
        return (*self.readonly_fields, "email") if hasattr(obj, "customer") else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """The old address hears of a new one."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            tell_old_address(obj, form.initial["email"], language=settings.LANGUAGE_CODE, now=now())

    def find(self, rows: QuerySet[User], word: str) -> QuerySet[User]:
        return with_email(rows, word)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """One's own is changed where the old one is asked for: no browser that was left open gives away an account."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("admin:password_change")
        return super().user_change_password(request, id, form_url)

    @display(description="Second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return user.second_factor_since is not None

    @action(
        description="Reset second factor",
        icon="phonelink_erase",
        permissions=["reset_factor"],
        dialog=ask(
            "Reset this second factor?",
            "For who has lost phone and recovery codes: be sure that it is them who ask. Their logins end, and their "
            "password alone lets in, until they set up another.",
            "Reset",
        ),
    )
    def reset_factor(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Takes it away."""
        user, by = User.objects.get(pk=object_id), request.user
        reset_second_factor(user=user, text="Second factor reset.", by=by, now=now())  # type: ignore[arg-type] # logged in
        text = f"{user} has no second factor any more."
        return decided(self, request, text, page=record_page("customers_user", object_id))

    def has_reset_factor_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Superusers, where there is one. Not their own: that takes password and code (*My second factor*)."""
        with_one = User.objects.filter(second_factor_since__isnull=False).exclude(pk=request.user.pk or 0)
        return bool(request.user.is_superuser) and is_there(with_one, str(object_id))


@admin.register(Group)
class GroupAdmin(PlainGroupAdmin, Screen):
    """What kinds of staff may do."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("name")
