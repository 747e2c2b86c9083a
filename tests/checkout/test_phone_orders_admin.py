"""The page on which staff take an order by phone: who may, both steps, what is said beside which field."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product
from checkout.models import CheckoutSession, IdempotencyKey
from customers.groups import OPS, SHOP_STAFF, create_groups
from orders.letters import order_link
from orders.models import Order
from orders.tokens import access_token
from tests.admin_lists import list_of
from tests.analytics.staff import logged_in, member
from tests.database import force_status
from tests.factories import CouponFactory, ProductFactory, ShippingMethodFactory, UserFactory
from tests.world import World, check_books, together

pytestmark = pytest.mark.django_db
PAGE = "/admin/checkout/checkoutsession/phone/"
PRODUCTS = PAGE + "products/"
MAY = "orders.add_order"
ASKED = {"app_label": "orders", "model_name": "orderitem", "field_name": "product"}


@pytest.fixture
def staff() -> Client:
    """Somebody who may take orders, and nothing else."""
    return logged_in(member(MAY))


def fields(world: World, **changes: Any) -> dict[str, Any]:
    """The page as it is sent by "Work out totals", two mugs in it; `name=None` leaves a field out."""
    usual = {
        "key": str(uuid4()),
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Byron",
        "phone": "020 7946 0000",
        "language": "en",
        "line1": "1 High Street",
        "postal_code": "N1 1AA",
        "city": "London",
        "country": "GB",
        **rows((world.mug, 2)),
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def rows(*lines: tuple[Product, int], total: int = 5) -> dict[str, Any]:
    """The rows of the form."""
    sent: dict[str, Any] = {f"lines-{row}-quantity": 1 for row in range(total)}
    sent |= {"lines-TOTAL_FORMS": total, "lines-INITIAL_FORMS": 0}
    for row, (product, quantity) in enumerate(lines):
        sent |= {f"lines-{row}-product": str(product.pk), f"lines-{row}-quantity": quantity}
    return sent


def placing(world: World, **changes: Any) -> dict[str, Any]:
    """The page as it is sent by "Place order", £55.00 seen."""
    seen = {"place": "1", "expected_total": "55.00", "shipping_method": str(world.method.pk)}
    return fields(world, **seen | changes)


def page_of(client: Client, sent: dict[str, Any]) -> str:
    answer = client.post(PAGE, sent)
    assert answer.status_code == 200
    return answer.content.decode()


def beside(page: str, name: str) -> str:
    """What is said beside a field: the text between it and the next one's label."""
    found = re.search(rf'name="{name}".*?(?=<label|</fieldset|<button)', page, re.DOTALL)
    assert found, f"no field {name}"
    return " ".join(re.findall(r"<li>\s*(.*?)\s*</li>", found.group(), re.DOTALL))


# Who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PAGE, PRODUCTS])
def test_nobody_is_asked_to_log_in(path: str, client: Client) -> None:
    assert client.get(path, ASKED).headers["Location"].startswith("/admin/login/")


def test_nobody_places_an_order(world: World, client: Client) -> None:
    assert client.post(PAGE, placing(world)).headers["Location"].startswith("/admin/login/")
    assert not Order.objects.exists()


def test_staff_without_the_permission_neither_look_nor_place(world: World) -> None:
    other = logged_in(member("orders.view_order", "orders.change_order", "catalog.view_product"))
    answers = [other.get(PAGE), other.get(PRODUCTS, ASKED | {"term": "m"}), other.post(PAGE, placing(world))]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not Order.objects.exists()


def test_the_list_of_orders_leads_there_for_those_who_may() -> None:
    may, other = logged_in(member(MAY, "orders.view_order")), logged_in(member("orders.view_order"))
    assert "New order by phone" in list_of(may, "orders/order")
    assert "New order by phone" not in list_of(other, "orders/order")
    button = reverse("admin:orders_order_by_phone")
    assert may.get(button).headers["Location"] == PAGE
    assert other.get(button).status_code == 403


@pytest.mark.parametrize(("group", "status"), [(SHOP_STAFF, 200), (OPS, 403)])
def test_of_the_groups_shop_staff_may(group: str, status: int) -> None:
    create_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    assert logged_in(user).get(PAGE).status_code == status


def test_the_permission_opens_no_form_that_types_into_an_order(staff: Client) -> None:
    assert staff.get("/admin/orders/order/add/").status_code == 403


def test_a_post_without_the_token_of_the_form_places_nothing(world: World) -> None:
    careless = Client(enforce_csrf_checks=True)
    careless.force_login(member(MAY))
    assert careless.post(PAGE, placing(world)).status_code == 403
    assert not Order.objects.exists()


# Choosing products ------------------------------------------------------------------------------------------------


def choices(client: Client, term: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get(PRODUCTS, ASKED | {"term": term}).json()["results"]
    return found


def test_products_are_found_as_in_the_catalogue_with_price_and_stock(world: World, staff: Client) -> None:
    ProductFactory.create(name="Mug, gone", is_active=False)
    text = f"Mug · {world.mug.sku} · £20.00 · 10 left"
    assert choices(staff, "mu") == [{"id": str(world.mug.pk), "text": text}]
    assert choices(staff, world.mug.sku) == [{"id": str(world.mug.pk), "text": text}]


def test_a_product_without_a_ledger_has_no_count(staff: Client) -> None:
    ProductFactory.create(name="Voucher", sku="V1", price=5, track_stock=False)
    assert [choice["text"] for choice in choices(staff, "vou")] == ["Voucher · V1 · £5.00"]


def test_the_search_asks_the_same_of_any_number_of_products(staff: Client) -> None:
    ProductFactory.create_batch(30, name="Mug")
    with CaptureQueriesContext(connection) as asked:
        assert len(choices(staff, "mug")) == 20
    assert len([query for query in asked if "catalog_product" in query["sql"]]) == 2


# Working out the totals -------------------------------------------------------------------------------------------


def test_the_page_begins_with_empty_rows_and_a_key_of_its_own(staff: Client) -> None:
    first, second = (staff.get(PAGE).content.decode() for _visit in range(2))
    assert first.count('-product"') >= 5
    keys = [re.findall(r'name="key" value="([0-9a-f-]{36})"', page) for page in (first, second)]
    assert (len(keys[0]), len(keys[1]), keys[0] == keys[1]) == (1, 1, False)
    assert 'name="place"' not in first


def test_the_totals_are_shown_and_nothing_is_placed(world: World, staff: Client) -> None:
    ShippingMethodFactory.create(zone=world.method.zone, name="Express", price=18)
    page = page_of(staff, fields(world))
    for text in ("2 × Mug", "£40.00", "Standard, £10.00", "Express, £18.00", "Tax 10 %", "£5.00", "£55.00"):
        assert text in page
    assert 'name="expected_total" value="55.00"' in page
    assert "Place order for £55.00" in page
    assert (Order.objects.count(), CheckoutSession.objects.count(), LogEntry.objects.count()) == (0, 0, 0)


def test_another_way_to_ship_changes_the_totals(world: World, staff: Client) -> None:
    express = ShippingMethodFactory.create(zone=world.method.zone, name="Express", price=18)
    page = page_of(staff, fields(world, shipping_method=str(express.pk)))
    assert re.search(rf'value="{express.pk}" checked', page)
    assert 'name="expected_total" value="63.80"' in page


def test_a_coupon_is_in_the_totals(world: World, staff: Client) -> None:
    CouponFactory.create(code="TEN")
    page = page_of(staff, fields(world, coupon_code="ten"))
    assert "-£4.00" in page
    assert 'name="expected_total" value="50.60"' in page


def test_what_was_filled_in_stays_with_empty_rows_below(world: World, staff: Client) -> None:
    page = page_of(staff, fields(world, **rows(*[(world.mug, 1)] * 5)))
    assert 'name="lines-TOTAL_FORMS" value="8"' in page
    assert page.count(f'<option value="{world.mug.pk}" selected') == 5


@pytest.mark.parametrize("total", ["", "x", "-1", "9" * 30, "1001"], ids=["none", "word", "negative", "long", "many"])
def test_rows_that_nobody_can_count_are_refused(total: str, world: World, staff: Client) -> None:
    page = page_of(staff, fields(world) | {"lines-TOTAL_FORMS": total})
    assert 'name="place"' not in page


def test_without_a_product_there_is_nothing_to_work_out(world: World, staff: Client) -> None:
    assert "Choose a product." in page_of(staff, fields(world) | {"lines-0-product": ""})


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"email": "ada"}, "email", "Enter a valid email address."),
        ({"email": ""}, "email", "This field is required."),
        ({"first_name": " "}, "first_name", "This field is required."),
        ({"line1": "x" * 201}, "line1", "at most 200 characters"),
        ({"country": "XX"}, "country", "Select a valid choice."),
        ({"language": "fr"}, "language", "Select a valid choice."),
        ({"lines-0-quantity": "0"}, "lines-0-quantity", "greater than or equal to 1"),
        ({"lines-0-quantity": "1000"}, "lines-0-quantity", "less than or equal to 999"),
        ({"lines-0-quantity": "11"}, "lines-0-quantity", "Only 10 left."),
        ({"lines-1-product": str(uuid4())}, "lines-1-product", "This product is not for sale."),
        ({"coupon_code": "NONE"}, "coupon_code", "This coupon code is not valid."),
    ],
)
def test_a_refusal_stands_beside_its_field(
    changes: dict[str, str], name: str, said: str, world: World, staff: Client
) -> None:
    page = page_of(staff, fields(world) | changes)
    assert said in beside(page, name)
    assert 'name="place"' not in page


def test_a_country_where_nobody_ships_is_said_beside_it(world: World, staff: Client) -> None:
    world.method.zone.countries = ["FR"]
    world.method.zone.save()
    assert "We do not ship to this country." in beside(page_of(staff, fields(world)), "country")


def test_a_country_without_tax_rate_is_said_beside_it(world: World, staff: Client) -> None:
    world.tax.country = "FR"
    world.tax.save()
    assert "We cannot sell to this country" in beside(page_of(staff, fields(world)), "country")


def test_a_product_that_was_taken_off_the_shelf_is_refused(world: World, staff: Client) -> None:
    Product.objects.filter(pk=world.mug.pk).update(is_active=False)
    assert "This product is not for sale." in beside(page_of(staff, fields(world)), "lines-0-product")


# Placing ----------------------------------------------------------------------------------------------------------


def test_the_order_is_placed_with_its_link_on_the_page(world: World, staff: Client) -> None:
    answer = staff.post(PAGE, placing(world))
    page, order = answer.content.decode(), Order.objects.get()
    assert (answer.status_code, order.total, order.phone) == (200, Decimal("55.00"), "020 7946 0000")
    assert order_link(order) in page
    assert f"/admin/orders/order/{order.pk}/change/" in page
    assert "no-store" in answer.headers["Cache-Control"]
    check_books()


def test_placing_stands_in_both_logs_with_the_name_of_who_did(world: World, staff: Client) -> None:
    staff.post(PAGE, placing(world))
    order, entry = Order.objects.get(), LogEntry.objects.get()
    (change,) = order.history.all()
    assert (entry.object_id, entry.get_change_message()) == (str(order.pk), "Placed by phone.")
    assert change.actor == str(entry.user)


def test_the_token_is_kept_nowhere(world: World, staff: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        staff.post(PAGE, placing(world))
    token = access_token(Order.objects.get().pk)
    kept = IdempotencyKey.objects.get()
    assert token not in f"{caplog.text} {kept.answer} {kept.key} {LogEntry.objects.get().change_message}"


def test_the_same_form_sent_again_shows_the_same_order(world: World, staff: Client) -> None:
    form = placing(world)
    first, again = page_of(staff, form), page_of(staff, form)
    assert order_link(Order.objects.get()) in first
    assert order_link(Order.objects.get()) in again
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_makes_one_order(world: World, crowd: None) -> None:
    user, form = member(MAY), placing(world)
    clients = [logged_in(user) for _browser in range(2)]
    pages = together(2, lambda number: page_of(clients[number], form))
    link = order_link(Order.objects.get())
    assert all(link in page for page in pages)
    assert (LogEntry.objects.count(), CheckoutSession.objects.count()) == (1, 1)
    check_books()


@pytest.mark.django_db(transaction=True)
def test_two_forms_sent_at_once_make_two_orders(world: World, crowd: None) -> None:
    """The control."""
    user = member(MAY)
    forms, clients = [placing(world), placing(world)], [logged_in(user), logged_in(user)]
    together(2, lambda number: page_of(clients[number], forms[number]))
    assert Order.objects.count() == 2


def test_a_form_that_has_placed_an_order_places_no_other(world: World, staff: Client) -> None:
    form = placing(world)
    page_of(staff, form)
    page = page_of(staff, form | {"first_name": "Augusta"})
    assert "An order was placed with this form already." in page
    assert Order.objects.count() == 1


def test_after_another_price_the_new_totals_are_shown_first(world: World, staff: Client) -> None:
    Product.objects.filter(pk=world.mug.pk).update(price=Decimal("21.00"))
    form = placing(world)
    page = page_of(staff, form)
    assert "The total has changed." in page
    assert 'name="expected_total" value="57.20"' in page
    assert not Order.objects.exists()
    page_of(staff, form | {"expected_total": "57.20"})
    assert Order.objects.get().total == Decimal("57.20")


def test_totals_that_were_not_seen_are_shown_first(world: World, staff: Client) -> None:
    page = page_of(staff, placing(world, expected_total=None))
    assert "Place order for £55.00" in page
    assert not Order.objects.exists()


def test_a_way_that_no_longer_goes_there_is_asked_for_again(world: World, staff: Client) -> None:
    gone = str(uuid4())
    page = page_of(staff, placing(world, shipping_method=gone))
    assert "This shipping method does not serve the address." in page
    assert re.search(rf'value="{world.method.pk}" checked', page)
    assert not Order.objects.exists()


def test_pieces_that_were_sold_meanwhile_are_said_beside_the_row(world: World, staff: Client) -> None:
    page = page_of(staff, placing(world, expected_total="550.00") | {"lines-0-quantity": 11})
    assert "Only 10 left." in beside(page, "lines-0-quantity")


def test_a_coupon_that_this_customer_has_used_is_said_beside_it(world: World, staff: Client) -> None:
    CouponFactory.create(code="ONCE", max_uses_per_customer=1)
    for _call in range(2):
        page = page_of(staff, placing(world, coupon_code="ONCE", expected_total="50.60"))
    assert "This coupon has been used up." in beside(page, "coupon_code")
    assert Order.objects.count() == 1


def test_a_mistake_in_a_form_with_totals_places_nothing(world: World, staff: Client) -> None:
    page = page_of(staff, placing(world, email="ada"))
    assert "Enter a valid email address." in beside(page, "email")
    assert not Order.objects.exists()


def test_an_order_that_went_on_meanwhile_is_shown_without_a_link(world: World, staff: Client) -> None:
    form = placing(world)
    page_of(staff, form)
    force_status("cancelled")
    page = page_of(staff, form)
    assert "“Cancelled”" in page
    assert access_token(Order.objects.get().pk) not in page


def test_an_order_of_nothing_to_pay_needs_no_link(world: World, staff: Client) -> None:
    CouponFactory.create(code="GIFT", value=100)
    world.method.price = 0
    world.method.save()
    page = page_of(staff, placing(world, coupon_code="gift", expected_total="0.00"))
    assert Order.objects.get().status == "success"
    assert access_token(Order.objects.get().pk) not in page


@pytest.mark.parametrize("expected", ["x", "NaN", "1e400"])
def test_a_total_that_is_no_number_places_nothing(expected: str, world: World, staff: Client) -> None:
    page_of(staff, placing(world, expected_total=expected))
    assert not Order.objects.exists()


@pytest.mark.parametrize("key", ["", "x", None])
def test_without_its_key_the_form_places_nothing(key: str | None, world: World, staff: Client) -> None:
    page_of(staff, placing(world, key=key))
    assert not Order.objects.exists()
