"""Every change that staff make stands in the admin's log: who, when, what.

What there is to change is read from the admin's registry, its addresses and those of the API, so an action or a page
that is made later is looked at without anybody remembering it: without a scenario here the test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import ModelAdmin
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver
from django_celery_beat.models import PeriodicTask

from analytics import admin_urls as analytics_urls
from analytics.alerts.muting import mute
from analytics.models import Alert, AlertKind
from catalog.models import Product
from core.clock import now
from customers import admin_urls as customers_urls
from customers.models import User
from orders.admin.bulk import BulkActions
from orders.models import Order, PaymentAttempt, WebhookReceipt
from orders.services import fulfil
from tests.billing_server import BillingService
from tests.catalog.files import csv_of
from tests.catalog.test_admin_transfer import confirm, upload
from tests.config.admin_rows import NEW, ROWS, filled
from tests.customers.staff import OWN_PASSWORD, careful_boss
from tests.factories import (
    PASSWORD,
    CustomerFactory,
    OrderFactory,
    OrderSessionFactory,
    PaymentAttemptFactory,
    ProductFactory,
    UserFactory,
    VisitorSessionFactory,
)
from tests.orders.subscriber import delivery_to, endpoint_at
from tests.security.api_rules import RULES
from tests.security.routes import routes
from tests.world import Shopper, World, attempt_of, report

pytestmark = pytest.mark.django_db
Name = tuple[str, str]


@pytest.fixture
def staff() -> User:
    return UserFactory.create(email="mai@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def client(staff: User) -> Client:
    browser = Client()
    browser.force_login(staff)
    return browser


@contextmanager
def logged(staff: User) -> Iterator[None]:
    """Something that leaves an entry of this person's."""
    before = LogEntry.objects.count()
    yield
    entries = list(LogEntry.objects.order_by("-pk")[: LogEntry.objects.count() - before])
    assert entries, "it stands in no log"
    assert staff.pk in {entry.user_id for entry in entries}


def request_of(staff: User) -> Any:
    """A request of the person, to ask screens what they offer."""
    request = RequestFactory().get("/admin/")
    request.user = staff
    return request


def screens() -> list[tuple[str, ModelAdmin[Any]]]:
    """Each screen of the admin, by its model."""
    return [(model._meta.label, screen) for model, screen in admin.site._registry.items()]


def path_of(screen: ModelAdmin[Any]) -> str:
    return f"/admin/{screen.opts.app_label}/{screen.opts.model_name}/"


# Forms ----------------------------------------------------------------------------------------------------------------

SUPERUSER = User(is_staff=True, is_superuser=True, is_active=True)
CHANGED = [(label, screen) for label, screen in screens() if screen.has_change_permission(request_of(SUPERUSER))]
DELETED = [(label, screen) for label, screen in screens() if screen.has_delete_permission(request_of(SUPERUSER))]
ADDED = [(label, screen) for label, screen in screens() if screen.has_add_permission(request_of(SUPERUSER))]


def model(found: Any) -> str:
    """What a test is called by."""
    return found if isinstance(found, str) else ""


@pytest.mark.parametrize(("label", "screen"), CHANGED, ids=model)
def test_saving_is_logged(label: str, screen: Any, client: Client, staff: User) -> None:
    page = f"{path_of(screen)}{ROWS[label]().pk}/change/"
    form = filled(client.get(page))
    with logged(staff):
        answer = client.post(page, form)
        assert answer.status_code == 302, answer.context["adminform"].form.errors


@pytest.mark.parametrize(("label", "screen"), DELETED, ids=model)
def test_deleting_is_logged(label: str, screen: Any, client: Client, staff: User) -> None:
    row = ROWS[label]()
    with logged(staff):
        assert client.post(f"{path_of(screen)}{row.pk}/delete/", {"post": "yes"}).status_code == 302


@pytest.mark.parametrize(("label", "screen"), ADDED, ids=model)
def test_adding_is_logged(label: str, screen: Any, client: Client, staff: User) -> None:
    row = ROWS[label]()
    old = filled(client.get(f"{path_of(screen)}{row.pk}/change/")) if label not in NEW else {}
    if screen.has_delete_permission(request_of(staff)):
        row.delete()  # so that nothing unique is in the way
    else:
        old |= {name: f"{old[name]}-2" for name in ("slug", "sku", "email") if name in old}
    page = f"{path_of(screen)}add/"
    form = filled(client.get(page), **old, **NEW.get(label, {}))
    blank = {name: 0 for name in form if name.endswith(("TOTAL_FORMS", "INITIAL_FORMS"))}
    with logged(staff):
        answer = client.post(page, form | blank)
        assert answer.status_code == 302, answer.context["adminform"].form.errors


def test_what_is_changed_on_a_list_is_logged(client: Client, staff: User) -> None:
    assert [label for label, screen in screens() if screen.list_editable] == ["orders.WindowRule"]
    rule = ROWS["orders.WindowRule"]()
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": rule.pk, "form-0-position": 5, "_save": "Save"}
    with logged(staff):
        client.post("/admin/orders/windowrule/", form)


@pytest.mark.parametrize("label", ["catalog.Product", "checkout.ShippingZone"])
def test_what_is_changed_within_another_record_is_logged(label: str, client: Client, staff: User) -> None:
    row = ROWS[label]()
    page = f"/admin/{label.replace('.', '/').lower()}/{row.pk}/change/"
    more = {"stock_change": 3, "stock_reason": "restock"} if isinstance(row, Product) else {}
    with logged(staff):
        assert client.post(page, filled(client.get(page), **more)).status_code == 302


# Actions --------------------------------------------------------------------------------------------------------------


class Scene:
    """A shop in which something can be done, and somebody who does it."""

    def __init__(self, client: Client, world: World) -> None:
        self.client, self.world = client, world

    def pending(self) -> Order:
        return Shopper().order(self.world, (self.world.mug, 1))

    def paid(self) -> Order:
        order = self.pending()
        report(attempt_of(order), "success")
        return order

    def packed(self) -> Order:
        order = self.paid()
        fulfil(order_id=order.pk, status=Order.Fulfillment.PROCESSING, actor="test", now=now())
        return order

    def shipped(self) -> Order:
        order = self.packed()
        fulfil(order_id=order.pk, status=Order.Fulfillment.SHIPPED, actor="test", now=now())
        return order

    def doubtful(self) -> Order:
        """Billing took 19.00 of 20.00."""
        order = OrderFactory.create(needs_attention="billing took 19.00 GBP")
        window = OrderSessionFactory.create(order=order)
        PaymentAttemptFactory.create(
            order_session=window, status="success", paid_amount=Decimal(19), paid_currency="GBP", next_poll_at=None
        )
        order.history.create(new="pending", actor="customer")
        return order

    def press(self, row: Any, name: str, **fields: str) -> None:
        """A button of a record's page, confirmed."""
        meta = row._meta
        sent = {"_form_submitted": "True"} | fields
        page = f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/{name}/"
        assert self.client.post(page, sent).status_code in (200, 302)

    def choose(self, row: Any, name: str) -> None:
        """An action of a list, for one row."""
        meta = row._meta
        sent = {"action": name, "_selected_action": [str(row.pk)]}
        assert self.client.post(f"/admin/{meta.app_label}/{meta.model_name}/", sent).status_code == 302


def dead_delivery() -> Any:
    """One that was given up."""
    done = {"status": "dead", "next_try_at": None, "settled_at": now()}
    return delivery_to(endpoint_at("https://hooks.example.com/shop"), **done)


def subscriber(**fields: Any) -> Any:
    return endpoint_at("https://hooks.example.com/shop", **fields)


def alert(*, muted: bool = False) -> Alert:
    if muted:
        mute(kind=AlertKind.TRAFFIC_LOW, until=now() + timedelta(hours=1), user=UserFactory.create(), now=now())
    return Alert.objects.create(kind="traffic_low", sentence="few", began_at=now())


REASON = {"reason": "she called"}
BUTTONS: dict[Name, Callable[[Scene], Any]] = {
    ("sessions_app.VisitorSession", "erase"): lambda s: s.press(VisitorSessionFactory.create(), "erase"),
    ("analytics.Alert", "mute_kind"): lambda s: s.press(alert(), "mute_kind", how_long="24"),
    ("analytics.Alert", "unmute_kind"): lambda s: s.press(alert(muted=True), "unmute_kind"),
    ("checkout.ReminderAddress", "allow"): lambda s: s.press(ROWS["checkout.ReminderAddress"](), "allow"),
    ("customers.Customer", "erase"): lambda s: s.press(CustomerFactory.create(), "erase"),
    ("customers.ApiToken", "revoke"): lambda s: s.press(ROWS["customers.ApiToken"](), "revoke"),
    ("customers.User", "reset_factor"): lambda s: s.press(careful_boss()[0].user, "reset_factor"),
    ("django_celery_beat.PeriodicTask", "enable_tasks"): lambda s: s.choose(
        ROWS["django_celery_beat.PeriodicTask"](), "enable_tasks"
    ),
    ("django_celery_beat.PeriodicTask", "disable_tasks"): lambda s: s.choose(
        ROWS["django_celery_beat.PeriodicTask"](), "disable_tasks"
    ),
    ("orders.Order", "process"): lambda s: s.press(s.paid(), "process"),
    ("orders.Order", "ship"): lambda s: s.press(s.packed(), "ship", tracking_number="AB1"),
    ("orders.Order", "track"): lambda s: s.press(s.shipped(), "track", tracking_number="AB2"),
    ("orders.Order", "deliver"): lambda s: s.press(s.shipped(), "deliver"),
    ("orders.Order", "withhold"): lambda s: s.press(s.paid(), "withhold", **REASON),
    ("orders.Order", "refund"): lambda s: s.press(s.paid(), "refund", what="whole", **REASON),
    ("orders.Order", "extend"): lambda s: s.press(s.pending(), "extend", minutes="30"),
    ("orders.Order", "poll"): lambda s: s.press(s.pending(), "poll"),
    ("orders.Order", "resend"): lambda s: s.press(s.paid(), "resend"),
    ("orders.Order", "cancel"): lambda s: s.press(s.pending(), "cancel"),
    ("orders.Order", "refund_money"): lambda s: s.press(s.doubtful(), "refund_money", **REASON),
    ("orders.Order", "accept_money"): lambda s: s.press(s.doubtful(), "accept_money", **REASON),
    ("orders.Order", "dismiss"): lambda s: s.press(s.doubtful(), "dismiss", **REASON),
    ("orders.Order", "process_many"): lambda s: s.choose(s.paid(), "process_many"),
    ("orders.Order", "deliver_many"): lambda s: s.choose(s.shipped(), "deliver_many"),
    ("orders.Order", "resend_many"): lambda s: s.choose(s.paid(), "resend_many"),
    ("orders.OutboxEvent", "send_again"): lambda s: s.press(dead_delivery().event, "send_again"),
    ("orders.OutboxEvent", "send_selected"): lambda s: s.choose(dead_delivery().event, "send_selected"),
    ("orders.WebhookDelivery", "send_again"): lambda s: s.press(dead_delivery(), "send_again"),
    ("orders.WebhookDelivery", "send_selected"): lambda s: s.choose(dead_delivery(), "send_selected"),
    ("orders.WebhookEndpoint", "send_test"): lambda s: s.press(subscriber(), "send_test"),
    ("orders.WebhookEndpoint", "rotate_secret"): lambda s: s.press(
        subscriber(), "rotate_secret", secret="whsec_" + "QUFB" * 11
    ),
    ("orders.WebhookEndpoint", "pause"): lambda s: s.press(subscriber(), "pause"),
    ("orders.WebhookEndpoint", "enable"): lambda s: s.press(subscriber(is_active=False), "enable"),
    ("orders.WebhookReceipt", "replay"): lambda s: s.press(
        WebhookReceipt.objects.create(webhook_id="m", body=b"{}", outcome="failed", error="full"), "replay"
    ),
}
"""Who presses it, on what. Deleting what is selected is the admin's own, and looked at for each model above."""
CHANGE_NOTHING: dict[Name, str] = {
    ("core.MailText", "preview"): "shows a mail about an order that nobody placed",
    ("orders.Order", "by_phone"): "leads to a page",
    ("sessions_app.VisitorSession", "give_out"): "shows what is held",
    ("customers.Customer", "give_out"): "shows what is held",
}


def flat(names: Any) -> list[str]:
    """The names of actions, those in menus too."""
    found: list[str] = []
    for name in names:
        found += flat(name["items"]) if isinstance(name, dict) else [name]
    return found


def actions_of(label: str, screen: Any) -> set[Name]:
    """Every action of a screen, wherever it is offered."""
    named = (screen.actions_list, screen.actions_detail, screen.actions_row, screen.actions_submit_line)
    in_lists = [name for name in screen.get_actions(request_of(SUPERUSER)) if name != "delete_selected"]
    declared = [getattr(name, "__name__", name) for name in screen.actions or ()]
    return {(label, name) for name in (*in_lists, *declared, *(each for names in named for each in flat(names)))}


def test_every_action_of_the_admin_is_looked_at() -> None:
    found = {name for label, screen in screens() for name in actions_of(label, screen)}
    assert found == BUTTONS.keys() | CHANGE_NOTHING.keys(), "say here how it is pressed, or why it changes nothing"


@pytest.mark.parametrize("name", BUTTONS, ids="-".join)
def test_an_action_is_logged(name: Name, client: Client, staff: User, world: World, billing: BillingService) -> None:
    with logged(staff):
        BUTTONS[name](Scene(client, world))


def test_control_an_action_that_logs_nothing_is_found(
    client: Client, staff: User, world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BulkActions, "log_change", lambda *_entry: None)
    with pytest.raises(AssertionError, match="in no log"), logged(staff):
        BUTTONS["orders.Order", "process_many"](Scene(client, world))


def test_control_an_action_that_nobody_looked_at_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BulkActions, "actions", (*BulkActions.actions, "cancel_many"))
    monkeypatch.setattr(BulkActions, "cancel_many", lambda *_asked: None, raising=False)
    with pytest.raises(AssertionError):
        test_every_action_of_the_admin_is_looked_at()


def test_who_may_only_look_at_jobs_switches_none(client: Client) -> None:
    job = ROWS["django_celery_beat.PeriodicTask"]()
    looker = UserFactory.create(is_staff=True)
    looker.user_permissions.add(*looker.user_permissions.model.objects.filter(codename="view_periodictask"))
    client.force_login(looker)
    client.post(
        "/admin/django_celery_beat/periodictask/", {"action": "disable_tasks", "_selected_action": [str(job.pk)]}
    )
    assert PeriodicTask.objects.get().enabled


# Pages of our own -----------------------------------------------------------------------------------------------------


def comment(scene: Scene) -> None:
    scene.client.post(f"/admin/orders/order/{scene.pending().pk}/comment/", {"text": "She called."})


def password_of_another(scene: Scene) -> None:
    form = {"password1": "another-horse-91", "password2": "another-horse-91", "usable_password": "true"}
    scene.client.post(f"/admin/customers/user/{UserFactory.create().pk}/password/", form)


def own_password(scene: Scene) -> None:
    form = {"old_password": PASSWORD, "new_password1": "another-horse-91", "new_password2": "another-horse-91"}
    scene.client.post(OWN_PASSWORD, form)


def imported(scene: Scene) -> None:
    ProductFactory.create(sku="A")
    confirm(scene.client, upload(scene.client, csv_of({"sku": "A", "name": "Cup"})))


PAGES: dict[str, Callable[[Scene], Any]] = {
    "analytics_staffsubscription_changelist": lambda s: s.client.post("/admin/analytics/staffsubscription/", {}),
    "dashboard_note": lambda s: s.client.post("/admin/dashboard/notes", {"day": "2026-03-10", "text": "Sale"}),
    "catalog_product_process_import": imported,
    "orders_order_comment": comment,
    "auth_user_password_change": password_of_another,
    "password_change": own_password,
}
LOGGED_ELSEWHERE = {
    "checkout_phone_order": "checkout/test_phone_orders_admin.py looks for its entry",
    "login_code": "customers/test_staff_login.py and test_second_factor.py look for the entries of the door",
    "login_enrol": "the same",
    "second_factor": "the same",
    "login/": "the same",
}
READ = {
    "": "the dashboard", "dashboard_tiles": "figures", "dashboard_csv": "figures", "dashboard_png": "figures",
    "live": "figures", "live_figures": "figures", "catalog_product_import": "the preview of an import",
    "catalog_product_export": "a file", "sessions_app_visitor": "a page",
    "checkout_phone_products": "choices", "password_change/": "the page that is PAGES' password_change",
}  # fmt: skip
STANDARD = ("_changelist", "_add", "_history", "_delete", "_change")


def own_pages() -> set[str]:
    """The names of the addresses that are neither Django's own nor an action's; the address if it has no name."""
    found: set[str] = set()
    for label, screen in screens():
        base = label.replace(".", "_").lower()
        usual = {base + end for end in STANDARD} | {f"{base}_{action}" for _label, action in actions_of(label, screen)}
        names = {str(each.name) for each in screen.get_urls() if isinstance(each, URLPattern) and each.name}
        asks_only = isinstance(screen.get_urls()[0], URLPattern) and len(screen.get_urls()) == 1
        found |= names if asks_only else names - usual
    ours: list[URLPattern | URLResolver] = [*analytics_urls.urlpatterns, *customers_urls.urlpatterns]
    return found | {str(getattr(each, "name", None) or each.pattern) for each in ours}


def test_every_page_of_our_own_is_looked_at() -> None:
    looked_at = PAGES.keys() | LOGGED_ELSEWHERE.keys() | READ.keys()
    assert own_pages() - looked_at == set(), "say here how it is used, or why it changes nothing"


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_changes_is_logged(
    name: str, client: Client, staff: User, world: World, billing: BillingService
) -> None:
    with logged(staff):
        PAGES[name](Scene(client, world))


# The API --------------------------------------------------------------------------------------------------------------


def ask_billing(scene: Scene) -> None:
    scene.pending()
    PaymentAttempt.objects.update(next_poll_at=now())
    answer = scene.client.post("/api/v1/ops/checkout-sessions/check")
    assert (answer.status_code, answer.json()["data"]["checked"]) == (200, 1)


OVER_THE_API: dict[str, Callable[[Scene], Any]] = {"POST /api/v1/ops/checkout-sessions/check": ask_billing}


def changes_over_the_api() -> set[str]:
    """What is for those with a permission, and does something."""
    rules = {route: RULES.get(route.path) for route in routes() if not route.is_of_admin}
    return {
        f"{method.upper()} {route.path}"
        for route, rule in rules.items()
        for method in ("post", "put", "patch", "delete")
        if rule and rule.permission and hasattr(getattr(route.view, "cls", None), method)
    }


def test_every_change_over_the_api_is_looked_at() -> None:
    assert changes_over_the_api() == OVER_THE_API.keys(), "say here how it is asked for"


@pytest.mark.parametrize("name", OVER_THE_API)
def test_what_is_changed_over_the_api_is_logged(
    name: str, client: Client, staff: User, world: World, billing: BillingService
) -> None:
    with logged(staff):
        OVER_THE_API[name](Scene(client, world))


def test_control_a_change_over_the_api_that_logs_nothing_is_found(
    client: Client, staff: User, world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.services.polling.note_round", lambda *_round, **_by: None)
    with pytest.raises(AssertionError, match="in no log"), logged(staff):
        ask_billing(Scene(client, world))
