"""Import and export of products in the admin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import StreamingHttpResponse
from django.test import Client

from catalog import admin_transfer
from catalog.models import Product, StockMovement
from tests.catalog.files import csv_of, exported
from tests.factories import ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/product/"
IMPORT, CONFIRM, EXPORT = f"{LIST}import/", f"{LIST}process_import/", f"{LIST}export/"


def upload(client: Client, content: bytes, name: str = "products.csv") -> str:
    """The preview."""
    file = SimpleUploadedFile(name, content, content_type="text/csv")
    response = client.post(IMPORT, {"import_file": file, "format": "0", "resource": "0"})
    assert response.status_code == 200
    return response.content.decode()


def confirmation(preview: str) -> dict[str, str]:
    """The fields of the preview's form."""
    names = ("import_file_name", "original_file_name", "format", "resource")
    found = {name: re.search(rf'name="{name}"[^>]*?value="([^"]*)"', preview) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def confirm(client: Client, preview: str) -> str:
    """The list, with what it says of the import."""
    response = client.post(CONFIRM, confirmation(preview), follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def content_of(response: Any) -> str:
    parts = cast(Iterable[bytes], cast(StreamingHttpResponse, response).streaming_content)
    return b"".join(parts).decode()


def staff_with(*permissions: str) -> Client:
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(staff)
    return client


def test_the_preview_shows_what_would_be_done_and_does_nothing(admin_client: Client) -> None:
    ProductFactory(sku="A", name="Mug", stock_quantity=3)
    preview = upload(admin_client, csv_of({"sku": "A", "stock": "5"}, {"sku": "B", "name": "Đèn <b>"}))
    assert "<del>3</del> <ins>5</ins>" in preview
    assert "Đèn &lt;b&gt;" in preview
    assert Product.objects.count() == 1
    assert StockMovement.objects.count() == 1


def test_what_is_confirmed_is_stored_in_the_name_of_who_did_it(admin_client: Client, admin_user: Any) -> None:
    ProductFactory(sku="A", name="Mug", stock_quantity=3)
    page = confirm(admin_client, upload(admin_client, csv_of({"sku": "A", "stock": "5"}, {"sku": "B", "stock": "7"})))
    assert "Products: 1 added, 1 changed, 0 the same already." in page
    movements = StockMovement.objects.order_by("id").values_list("delta", "reason", "actor")
    assert list(movements)[1:] == [(2, "restock", admin_user.pk), (7, "initial", admin_user.pk)]


def test_every_product_that_is_added_or_changed_is_in_the_log(admin_client: Client, admin_user: Any) -> None:
    ProductFactory(sku="A", name="Old")
    ProductFactory(sku="S", name="Same")
    rows = [{"sku": "A", "name": "New"}, {"sku": "S", "name": "Same"}, {"sku": "B", "name": "Tea"}]
    confirm(admin_client, upload(admin_client, csv_of(*rows)))
    entries = LogEntry.objects.order_by("object_repr").values_list("object_repr", "object_id", "user")
    skus = dict(Product.objects.values_list("sku", "pk"))
    assert list(entries) == [("New", str(skus["A"]), admin_user.pk), ("Tea", str(skus["B"]), admin_user.pk)]


def test_lines_that_cannot_be_taken_must_be_corrected_first(admin_client: Client) -> None:
    preview = upload(admin_client, csv_of({"price": "free"}, {"name": "Good"}) + b"broken\n")
    assert "must be an amount such as 48.90" in preview
    assert "has 1 cells" in preview
    assert "free" in preview
    assert "import_file_name" not in confirmation(preview)
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfes\x00", "is not UTF-8"),
        (b"sku,name\n", "There is no column: price."),
        (b"sku\0", "This is no CSV file."),
        (b"sku,name,price\n", "No valid data"),
        (b"", "empty"),
    ],
)
def test_a_file_that_is_none_of_products_is_refused(admin_client: Client, content: bytes, reason: str) -> None:
    assert reason in upload(admin_client, content)


def test_a_file_for_the_command_is_refused(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_transfer, "MOST", 2)
    assert "imported by the command" in upload(admin_client, csv_of({}, {}, {}))
    monkeypatch.setattr(admin_transfer, "MOST_BYTES", 20)
    assert "imported by the command" in upload(admin_client, csv_of({}))


def test_a_file_that_was_lost_before_it_was_confirmed_is_asked_for_again(admin_client: Client) -> None:
    preview = upload(admin_client, csv_of({}))
    cache.clear()
    assert "The file is not there any more. Upload it again." in confirm(admin_client, preview)


@pytest.mark.parametrize(
    "changes", [{"format": "x"}, {"format": "7"}, {"resource": "9"}, {"import_file_name": ""}, {"format": ""}]
)
def test_a_confirmation_that_nobody_was_asked_for_is_refused(admin_client: Client, changes: dict[str, str]) -> None:
    fields = confirmation(upload(admin_client, csv_of({})))
    assert admin_client.post(CONFIRM, fields | changes).status_code == 200
    assert not Product.objects.exists()


def test_what_others_did_between_preview_and_confirmation_is_told(admin_client: Client) -> None:
    preview = upload(admin_client, csv_of({"sku": "A", "slug": "mug"}, {"sku": "B", "slug": "tea"}))
    ProductFactory(slug="mug")
    page = confirm(admin_client, preview)
    assert "Products: 1 added" in page
    assert "Refused, as others changed products meanwhile: lines 2." in page


def test_the_export_has_what_the_list_shows(admin_client: Client) -> None:
    ProductFactory(name="Blue mug", is_active=False)
    ProductFactory(name="Red mug")
    ProductFactory(name="Tea")
    response = admin_client.get(EXPORT)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="Product-[0-9-]+\.csv"', response["Content-Disposition"])
    assert content_of(response) == exported()
    filtered = content_of(admin_client.get(f"{EXPORT}?q=mug&is_active__exact=1"))
    assert ("Red mug" in filtered, "Blue mug" in filtered, "Tea" in filtered) == (True, False, False)


def test_an_export_by_a_filter_that_is_none_leads_to_the_list(admin_client: Client) -> None:
    response = admin_client.get(f"{EXPORT}?period=28", follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "There is no such filter" in response.content.decode()


def test_the_list_offers_what_one_may_do() -> None:
    viewer = staff_with("view_product").get(LIST).content.decode()
    assert (EXPORT in viewer, IMPORT in viewer) == (True, False)
    manager = staff_with("view_product", "add_product", "change_product").get(LIST).content.decode()
    assert (EXPORT in manager, IMPORT in manager) == (True, True)


@pytest.mark.parametrize("permissions", [("view_product",), ("view_product", "change_product"), ("add_product",)])
def test_only_who_may_add_and_change_products_imports(permissions: tuple[str, ...]) -> None:
    client = staff_with(*permissions)
    assert client.get(IMPORT).status_code == 403
    assert client.post(IMPORT, {}).status_code == 403
    assert client.post(CONFIRM, {}).status_code == 403


def test_only_who_may_see_products_exports() -> None:
    assert staff_with("view_order").get(EXPORT).status_code == 403
    assert Client().get(EXPORT).status_code == 302
    assert Client().post(IMPORT, {}).status_code == 302
    shopper = Client()
    shopper.force_login(UserFactory())
    assert shopper.get(EXPORT).status_code == 302
