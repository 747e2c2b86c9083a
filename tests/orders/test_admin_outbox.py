"""Events, subscribers and deliveries, as ops see them and what they do with them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client

from core import counts
from core.clock import now
from customers.groups import OPS, SHOP_STAFF, create_groups
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint, WebhookTry
from orders.outbox import new_secret
from tests.admin_lists import list_of, queries_of
from tests.factories import UserFactory
from tests.orders.subscriber import delivery_to, endpoint_at, events

pytestmark = pytest.mark.django_db
DONE: dict[str, Any] = {"status": "dead", "next_try_at": None, "settled_at": now()}
ADD = "/admin/orders/webhookendpoint/add/"


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    return endpoint_at("https://hooks.example.com/shop")


@pytest.fixture
def delivery(endpoint: WebhookEndpoint) -> WebhookDelivery:
    found = delivery_to(endpoint, tries=10, last_error="HTTP 500: <b>no</b>", **DONE)
    WebhookTry.objects.create(delivery=found, at=now(), status=500, milliseconds=321, text="<b>no</b>")
    return found


def member(client: Client, group: str) -> Client:
    create_groups()
    user = UserFactory.create(is_staff=True, email="ops@example.com")
    user.groups.set(Group.objects.filter(name=group))
    client.force_login(user)
    return client


def do(client: Client, row: Any, action: str, **fields: str) -> Any:
    """An action of a record's page, confirmed."""
    model = row._meta.model_name
    return client.post(f"/admin/orders/{model}/{row.pk}/{action}/", {"_form_submitted": "True"} | fields)


def page_of(client: Client, row: Any) -> str:
    return client.get(f"/admin/orders/{row._meta.model_name}/{row.pk}/change/").content.decode()


def status_of(delivery: WebhookDelivery) -> str:
    return WebhookDelivery.objects.get(pk=delivery.pk).status


# Pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_of_deliveries_takes_as_many_queries_for_30_rows_as_for_3(admin_client: Client, rows: int) -> None:
    for number in range(rows):
        delivery_to(endpoint_at(f"https://{number}.example.com/"))
    assert queries_of(admin_client, "orders/webhookdelivery") == 4  # with the subscribers of the filter


def test_deliveries_are_found_by_event_and_filtered(admin_client: Client, delivery: WebhookDelivery) -> None:
    other = delivery_to(endpoint_at("https://other.example.com/"))
    for filters in (
        {"q": str(delivery.event_id)},
        {"status__exact": "dead"},
        {"endpoint__id__exact": str(delivery.endpoint_id)},
    ):
        page = list_of(admin_client, "orders/webhookdelivery", **filters)
        assert f"/webhookdelivery/{delivery.pk}/change/" in page
        assert f"/webhookdelivery/{other.pk}/change/" not in page


def test_a_delivery_shows_its_log_as_text(admin_client: Client, delivery: WebhookDelivery) -> None:
    page = page_of(admin_client, delivery)
    assert [text for text in ("HTTP 500", "321", "&lt;b&gt;no&lt;/b&gt;") if text not in page] == []
    assert "<b>no</b>" not in page


def test_a_delivery_can_be_read_and_nothing_else(admin_client: Client, delivery: WebhookDelivery) -> None:
    path = f"/admin/orders/webhookdelivery/{delivery.pk}"
    assert admin_client.get("/admin/orders/webhookdelivery/add/").status_code == 403
    assert admin_client.post(f"{path}/change/", {}).status_code == 403
    assert admin_client.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


def test_an_event_shows_its_deliveries(admin_client: Client, delivery: WebhookDelivery) -> None:
    page = page_of(admin_client, delivery.event)
    assert delivery.endpoint.url in page
    assert f"/webhookdelivery/{delivery.pk}/change/" in page


def test_an_event_is_found_by_its_order(admin_client: Client) -> None:
    order_id = "019aaf6e-6f0b-7000-8000-000000000000"
    wanted = OutboxEvent.objects.create(topic="order.paid", payload={"orderId": order_id})
    (other,) = events()
    page = list_of(admin_client, "orders/outboxevent", q=order_id)
    assert str(wanted.pk) in page
    assert str(other.pk) not in page


@pytest.mark.parametrize("which", ["waiting", "unstreamed"])
def test_events_that_are_not_on_their_way_can_be_listed(admin_client: Client, which: str) -> None:
    (there,) = events(published_at=now(), streamed_at=now())
    (waiting,) = events()
    page = list_of(admin_client, "orders/outboxevent", delivery=which)
    assert str(waiting.pk) in page
    assert str(there.pk) not in page


def test_the_list_says_what_was_not_taken(admin_client: Client) -> None:
    counts.count("subscribers", "http_5xx", now=now())
    assert "http_5xx 1" in list_of(admin_client, "orders/webhookdelivery")


# A subscriber -------------------------------------------------------------------------------------------------------


def test_the_secret_of_a_subscriber_is_shown_while_it_is_made_and_never_again(
    admin_client: Client, admin_user: Any
) -> None:
    offered = re.search(r"whsec_[A-Za-z0-9+/=]+", admin_client.get(ADD).content.decode())
    assert offered
    fields = {"url": "https://hooks.example.com/", "topics": ["order.paid"], "secret": offered.group()}
    assert admin_client.post(ADD, fields).status_code == 302
    made = WebhookEndpoint.objects.get()
    assert (made.secret, made.is_active, made.created_by) == (offered.group(), True, admin_user)
    assert "whsec_" not in page_of(admin_client, made)
    assert "whsec_" not in list_of(admin_client, "orders/webhookendpoint")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"url": "https://10.0.0.1/"}, "own network"),
        ({"url": "https://2130706433/"}, "own network|valid URL"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "own network"),
        ({"url": "https://ada:pw@hooks.example.com/"}, "no user name"),
        ({"url": "ftp://hooks.example.com/"}, "https://"),
        ({"url": "https://hooks.example.com/\x00"}, "Null characters|valid URL"),
        ({"secret": "whsec_abc"}, "24 to 64 bytes"),
        ({"topics": ["webhook.test"]}, "not one of the available choices"),
        ({"topics": []}, "required"),
    ],
)
def test_what_is_refused_says_why(admin_client: Client, fields: dict[str, Any], why: str) -> None:
    good = {"url": "https://hooks.example.com/", "topics": ["order.paid"], "secret": new_secret()}
    answer = admin_client.post(ADD, good | fields)
    assert answer.status_code == 200
    assert re.search(why, answer.content.decode())
    assert not WebhookEndpoint.objects.exists()


def test_a_change_of_address_is_checked_too(admin_client: Client, endpoint: WebhookEndpoint) -> None:
    path = f"/admin/orders/webhookendpoint/{endpoint.pk}/change/"
    answer = admin_client.post(path, {"url": "https://192.168.0.1/", "topics": ["order.paid"]})
    assert "own network" in answer.content.decode()
    assert admin_client.post(path, {"url": "https://b.example.com/", "topics": ["order.failed"]}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.topics, endpoint.secret != "") == ("https://b.example.com/", ["order.failed"], True)


def test_a_secret_is_rotated_with_the_one_that_was_shown(client: Client, endpoint: WebhookEndpoint) -> None:
    ops = member(client, OPS)
    shown = ops.get(f"/admin/orders/webhookendpoint/{endpoint.pk}/rotate_secret/").content.decode()
    offered = re.search(r"whsec_[A-Za-z0-9+/=]+", shown)
    assert offered
    do(ops, endpoint, "rotate_secret", secret=offered.group())
    rotated = WebhookEndpoint.objects.get()
    assert (rotated.secret, rotated.previous_secret) == (offered.group(), endpoint.secret)
    assert "whsec_" not in page_of(ops, endpoint)
    entry = LogEntry.objects.get()
    assert (entry.object_id, "whsec" in entry.change_message) == (str(endpoint.pk), False)


def test_a_secret_that_cannot_sign_is_not_taken(admin_client: Client, endpoint: WebhookEndpoint) -> None:
    answer = do(admin_client, endpoint, "rotate_secret", secret="whsec_abc")
    assert "24 to 64 bytes" in answer.content.decode()
    assert WebhookEndpoint.objects.get().secret == endpoint.secret


def test_a_test_event_leads_to_its_delivery(client: Client, endpoint: WebhookEndpoint) -> None:
    answer = do(member(client, OPS), endpoint, "send_test")
    made = WebhookDelivery.objects.get()
    assert answer.headers["HX-Redirect"] == f"/admin/orders/webhookdelivery/{made.pk}/change/"
    assert (made.event.topic, made.status, LogEntry.objects.count()) == ("webhook.test", "waiting", 1)


def test_a_subscriber_is_paused_and_enabled_again(client: Client, endpoint: WebhookEndpoint) -> None:
    ops = member(client, OPS)
    do(ops, endpoint, "pause")
    assert not WebhookEndpoint.objects.get().is_active
    assert do(ops, endpoint, "pause").status_code == 403
    assert do(ops, endpoint, "send_test").status_code == 403
    do(ops, endpoint, "enable")
    assert WebhookEndpoint.objects.get().is_active
    assert do(ops, endpoint, "enable").status_code == 403
    assert LogEntry.objects.count() == 2


def test_why_one_was_disabled_is_shown(admin_client: Client) -> None:
    endpoint = endpoint_at("https://hooks.example.com/", is_active=False, disabled_reason="it answered 410")
    assert "it answered 410" in page_of(admin_client, endpoint)


def test_deleting_a_subscriber_counts_what_goes_with_it(client: Client, delivery: WebhookDelivery) -> None:
    ops = member(client, OPS)
    path = f"/admin/orders/webhookendpoint/{delivery.endpoint_id}/delete/"
    assert "hooks.example.com" in ops.get(path).content.decode()
    assert ops.post(path, {"post": "yes"}).status_code == 302
    assert (WebhookEndpoint.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


# Again --------------------------------------------------------------------------------------------------------------


def test_ops_send_a_delivery_again(client: Client, delivery: WebhookDelivery) -> None:
    answer = do(member(client, OPS), delivery, "send_again")
    assert answer.headers["HX-Redirect"] == f"/admin/orders/webhookdelivery/{delivery.pk}/change/"
    assert status_of(delivery) == "waiting"
    assert LogEntry.objects.get().object_id == str(delivery.pk)


def test_ops_send_an_event_again_to_all_subscribers(client: Client, delivery: WebhookDelivery) -> None:
    endpoint_at("https://later.example.com/")
    do(member(client, OPS), delivery.event, "send_again")
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"waiting"}
    assert WebhookDelivery.objects.count() == 2


@pytest.mark.parametrize("model", ["webhookdelivery", "outboxevent"])
def test_many_are_sent_again_from_the_list(client: Client, delivery: WebhookDelivery, model: str) -> None:
    chosen = delivery.pk if model == "webhookdelivery" else delivery.event_id
    fields = {"action": "send_selected", "_selected_action": [str(chosen)]}
    assert member(client, OPS).post(f"/admin/orders/{model}/", fields).status_code == 302
    assert status_of(delivery) == "waiting"
    assert LogEntry.objects.get().object_id == str(chosen)


def test_nothing_goes_out_to_one_that_is_off_and_it_is_said(admin_client: Client, delivery: WebhookDelivery) -> None:
    WebhookEndpoint.objects.update(is_active=False)
    do(admin_client, delivery, "send_again")
    assert status_of(delivery) == "dead"
    assert "Nothing goes out" in page_of(admin_client, delivery)


ACTIONS = [("delivery", "send_again"), ("event", "send_again")] + [
    ("endpoint", action) for action in ("send_test", "rotate_secret", "pause")
]


def row_of(delivery: WebhookDelivery, kind: str) -> Any:
    return delivery if kind == "delivery" else getattr(delivery, kind)


def untouched(delivery: WebhookDelivery) -> bool:
    """Whether all is as it was."""
    endpoint = WebhookEndpoint.objects.get()
    kept = (endpoint.is_active, endpoint.secret) == (True, delivery.endpoint.secret)
    return kept and list(WebhookDelivery.objects.values_list("status", flat=True)) == ["dead"]


@pytest.mark.parametrize(("kind", "action"), ACTIONS)
def test_looking_at_the_question_does_nothing(
    admin_client: Client, delivery: WebhookDelivery, kind: str, action: str
) -> None:
    row = row_of(delivery, kind)
    assert admin_client.get(f"/admin/orders/{row._meta.model_name}/{row.pk}/{action}/").status_code == 200
    assert untouched(delivery)


@pytest.mark.parametrize(("kind", "action"), ACTIONS)
def test_it_needs_the_token_of_the_form(admin_user: Any, delivery: WebhookDelivery, kind: str, action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert do(client, row_of(delivery, kind), action, secret=new_secret()).status_code == 403
    assert untouched(delivery)


@pytest.mark.parametrize(("kind", "action"), ACTIONS)
def test_shop_staff_may_not(client: Client, delivery: WebhookDelivery, kind: str, action: str) -> None:
    answer = do(member(client, SHOP_STAFF), row_of(delivery, kind), action, secret=new_secret())
    assert answer.status_code == 403
    assert untouched(delivery)


@pytest.mark.parametrize(("kind", "action"), ACTIONS)
def test_nobody_is_asked_to_log_in(client: Client, delivery: WebhookDelivery, kind: str, action: str) -> None:
    assert do(client, row_of(delivery, kind), action, secret=new_secret()).status_code == 302
    assert untouched(delivery)


@pytest.mark.parametrize("model", ["webhookdelivery", "outboxevent"])
def test_who_may_only_look_cannot_send_from_the_list(client: Client, delivery: WebhookDelivery, model: str) -> None:
    ops = member(client, OPS)
    Group.objects.get(name=OPS).permissions.remove(Permission.objects.get(codename="replay_webhookdelivery"))
    chosen = delivery.pk if model == "webhookdelivery" else delivery.event_id
    ops.post(f"/admin/orders/{model}/", {"action": "send_selected", "_selected_action": [str(chosen)]})
    assert untouched(delivery)


@pytest.mark.parametrize("key", ["0", "999999", "nonsense", "9" * 40, "00000000-0000-7000-8000-000000000000"])
@pytest.mark.parametrize(
    ("model", "action"),
    [("webhookdelivery", "send_again"), ("outboxevent", "send_again"), ("webhookendpoint", "rotate_secret")],
)
def test_what_is_not_there_cannot_be_acted_on(admin_client: Client, model: str, action: str, key: str) -> None:
    answer = admin_client.post(f"/admin/orders/{model}/{key}/{action}/", {"_form_submitted": "True"})
    assert answer.status_code in (403, 404)
