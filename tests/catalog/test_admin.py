"""Products and their stock, as staff see and change them."""

from typing import Any

import pytest
from django.contrib import admin
from django.core.paginator import Paginator
from django.test import Client, RequestFactory

from catalog.admin import ProductAdmin
from catalog.models import Product, StockMovement
from catalog.services import reserve_stock
from core.admin import COUNTED, AtLeast, BoundedPaginator
from core.ids import new_id
from tests.admin_lists import list_of, queries_of
from tests.factories import CategoryFactory, ProductFactory

pytestmark = pytest.mark.django_db


def form_of(product: Product, **changes: Any) -> dict[str, Any]:
    """The product's change form as a browser sends it back."""
    fields = {
        "name": product.name,
        "slug": product.slug,
        "sku": product.sku,
        "price": "20.00",
        "is_active": "on",
        "track_stock": "on",
        "movements-TOTAL_FORMS": "0",
        "movements-INITIAL_FORMS": "0",
    }
    return fields | changes


def change(client: Client, product: Product, **changes: Any) -> Any:
    return client.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, **changes))


@pytest.mark.parametrize("model", ["catalog/product", "catalog/stockmovement", "catalog/category"])
@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_takes_as_many_queries_for_30_rows_as_for_3(admin_client: Client, model: str, rows: int) -> None:
    for _row in range(rows):
        ProductFactory.create(category=CategoryFactory.create())
    assert (
        queries_of(admin_client, model)
        == {"catalog/product": 4, "catalog/stockmovement": 3, "catalog/category": 3}[model]
    )


def test_stock_is_changed_by_a_movement_with_reason_and_actor(admin_client: Client, admin_user: Any) -> None:
    product = ProductFactory.create(stock_quantity=10)
    assert change(admin_client, product, stock_change="-3", stock_reason="correction").status_code == 302
    product.refresh_from_db()
    movement = product.movements.latest("id")
    assert product.stock_quantity == 7
    assert (movement.delta, movement.reason, movement.actor) == (-3, "correction", admin_user)


def test_a_form_without_a_change_of_stock_writes_no_movement(admin_client: Client) -> None:
    product = ProductFactory.create(stock_quantity=10)
    change(admin_client, product, name="Another name", stock_change="", stock_reason="restock")
    assert product.movements.count() == 1
    assert Product.objects.get().name == "Another name"


def test_more_than_there_is_cannot_be_taken_away(admin_client: Client) -> None:
    product = ProductFactory.create(stock_quantity=2)
    response = change(admin_client, product, stock_change="-3", stock_reason="correction")
    assert "There are only 2 pieces." in response.content.decode()
    assert Product.objects.get().stock_quantity == 2


def test_the_stock_typed_for_a_new_product_is_its_first_movement(admin_client: Client) -> None:
    fields = form_of(ProductFactory.build(), stock_change="25")
    assert admin_client.post("/admin/catalog/product/add/", fields).status_code == 302
    movement = StockMovement.objects.get()
    assert (movement.product.stock_quantity, movement.delta, movement.reason) == (25, 25, "initial")


def test_saving_a_form_that_was_opened_before_a_sale_keeps_the_sale(admin_user: Any) -> None:
    stale = ProductFactory.create(stock_quantity=10)
    reserve_stock(quantities={stale.pk: 4}, order_id=new_id())
    screen = ProductAdmin(Product, admin.site)
    request = RequestFactory().post("/")
    request.user = admin_user
    form = screen.get_form(request, stale)(form_of(stale, name="Renamed"), instance=stale)
    assert form.is_valid()
    screen.save_model(request, stale, form, change=True)
    kept = Product.objects.get()
    assert (kept.name, kept.stock_quantity) == ("Renamed", 6)


def test_products_are_found_by_a_part_of_the_name_and_by_sku(admin_client: Client) -> None:
    ProductFactory.create(name="Blue teapot", sku="TEA-1")
    ProductFactory.create(name="Mug", sku="MUG-1")
    for word in ("teapot", "tea-1"):
        page = list_of(admin_client, "catalog/product", q=word)
        assert "Blue teapot" in page
        assert "MUG-1" not in page


def test_movements_can_be_read_and_nothing_else(admin_client: Client) -> None:
    ProductFactory.create()
    movement = StockMovement.objects.get()
    assert admin_client.get("/admin/catalog/stockmovement/add/").status_code == 403
    assert admin_client.post(f"/admin/catalog/stockmovement/{movement.pk}/change/", {"delta": 5}).status_code == 403
    assert admin_client.post(f"/admin/catalog/stockmovement/{movement.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_product_with_history_cannot_be_deleted(admin_client: Client) -> None:
    product = ProductFactory.create()
    response = admin_client.post(f"/admin/catalog/product/{product.pk}/delete/", {"post": "yes"})
    assert response.status_code == 403
    assert Product.objects.exists()


def test_each_row_is_selected_by_its_own_key(admin_client: Client) -> None:
    products = ProductFactory.create_batch(2)
    page = list_of(admin_client, "catalog/product")
    assert [page.count(f'name="_selected_action" value="{product.pk}"') for product in products] == [1, 1]
    assert page.count('name="_selected_action"') == 2


def test_a_page_far_back_is_the_one_that_it_would_be_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    ProductFactory.create_batch(7)
    rows = Product.objects.order_by("-name", "id")
    monkeypatch.setattr("core.admin.toolkit.FAR", 2)
    for number in (1, 2, 3, 4):
        assert list(BoundedPaginator(rows, 2).page(number)) == list(Paginator(rows, 2).page(number))


def test_the_count_of_a_list_stops_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    ProductFactory.create_batch(4)
    monkeypatch.setattr("core.admin.toolkit.COUNTED", 3)
    counted = BoundedPaginator(Product.objects.all(), 2)
    assert (counted.count, str(counted.count), counted.num_pages) == (3, "3+", 2)
    assert str(AtLeast(COUNTED)) == "10,000+"
