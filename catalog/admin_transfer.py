"""Products in and out as CSV: django-import-export's screens over `catalog.transfer`, whose rules hold."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html
from import_export.admin import ImportExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import Format
from import_export.forms import ConfirmImportForm
from import_export.resources import Resource
from import_export.results import Result, RowResult
from import_export.tmp_storages import CacheStorage
from unfold.contrib.import_export.forms import ImportForm

from catalog.models import Product
from catalog.transfer import Kind, Stored, Tally, import_products, product_lines
from catalog.transfer.exporting import category_texts
from catalog.transfer.rows import COLUMNS, SHEET, cell, cells_of
from core.admin import NOTHING, ShopAdmin
from core.spreadsheets import Refusal, WrongSheetError, records

if TYPE_CHECKING:  # import_export carries no types; what it extends does

    class TransferScreens(ShopAdmin):
        """import_export's screens."""

        def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse: ...

        def add_data_read_fail_error_to_form(self, form: Any, error: Exception) -> None: ...

        def export_action(self, request: HttpRequest) -> HttpResponse: ...

        def get_export_filename(self, request: HttpRequest, queryset: Any, file_format: Any) -> str: ...

else:
    TransferScreens = ImportExportMixin

MOST = 2_000
"""Products, so many can be looked through and are stored in one request. More go by the command."""
MOST_BYTES = 4 * 1024 * 1024
TOLD = 20
"""Lines named in a message."""
TOO_MANY = (
    f"More than {MOST:,} products or {MOST_BYTES // 1024**2} MB: split the file, or have it imported by the command "
    "import_products."
)
SHOWN_AS = {
    Kind.ADDED: RowResult.IMPORT_TYPE_NEW,
    Kind.CHANGED: RowResult.IMPORT_TYPE_UPDATE,
    Kind.UNCHANGED: RowResult.IMPORT_TYPE_SKIP,
}


class UploadGoneError(Exception):
    """Between looking and confirming the file was lost."""


class TooManyError(Exception):
    """The file is for the command."""


class ProductsForm(ImportForm):
    """The file to import."""

    def clean_import_file(self) -> UploadedFile[Any]:
        """Not more than a request should do. Before it is read: it goes to memory.

        Raises:
            ValidationError: it is.
        """
        file: UploadedFile[Any] = self.cleaned_data["import_file"]
        if file.size is None or file.size > MOST_BYTES:
            raise ValidationError(TOO_MANY)
        return file


class ConfirmForm(ConfirmImportForm):  # type: ignore[misc] # has no types
    """What the preview sends back. There is one format and one resource, whatever somebody sends."""

    format = forms.ChoiceField(choices=[("0", "csv")], widget=forms.HiddenInput())
    resource = forms.ChoiceField(choices=[("0", "products")], required=False, widget=forms.HiddenInput())


class Waiting(CacheStorage):  # type: ignore[misc] # has no types
    """Files between preview and confirmation. In Redis, where every web process finds them."""

    CACHE_LIFETIME = 3600


@dataclass(frozen=True)
class Upload:
    """A file whose header is one of products."""

    content: bytes
    products: int

    def __len__(self) -> int:
        return self.products

    def lines(self) -> Iterable[bytes]:
        """Its lines."""
        return io.BytesIO(self.content)


class ProductCSV(Format):  # type: ignore[misc] # has no types
    """The one format."""

    def __init__(self, encoding: str | None = None) -> None:
        """The encoding is UTF-8, whatever is said."""

    def get_title(self) -> str:
        return "csv"

    def get_extension(self) -> str:
        return "csv"

    def get_content_type(self) -> str:
        return "text/csv; charset=utf-8"

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True

    def create_dataset(self, content: bytes | None) -> Upload:
        """The uploaded file.

        Raises:
            WrongSheetError: it is none of products.
            TooManyError: it is more than a request should do.
            UploadGoneError: it is not there any more.
        """
        if content is None:
            raise UploadGoneError("The file is not there any more. Upload it again.")
        products = sum(1 for _record in records(io.BytesIO(content), SHEET))
        if products > MOST:
            raise TooManyError(TOO_MANY)
        return Upload(content, products)


class ProductResource(Resource):  # type: ignore[misc] # has no types
    """What import_export asks of an import, answered by `import_products`."""

    @classmethod
    def get_display_name(cls) -> str:
        return "Products"

    def get_user_visible_fields(self) -> list[Field]:
        return [Field(column_name=column) for column in COLUMNS]

    def import_data(self, dataset: Upload, dry_run: bool = False, *, user: Any, **_options: Any) -> Result:
        """Runs the import, or shows what it would do."""
        tally, stored, refused = Tally(), list[Stored](), list[Refusal]()
        before = cells_before(dataset) if dry_run else {}
        import_products(
            lines=dataset.lines(),
            actor=user,
            dry_run=dry_run,
            tally=tally,
            refused=refused.append,
            stored=stored.append,
        )
        result = Result()
        result.diff_headers = list(COLUMNS)
        result.total_rows = tally.products
        add_refusals(result, dataset, refused)
        for each in stored:
            row = row_result(each, before.get(each.row.sku))
            result.increment_row_result_total(row)
            if each.kind != Kind.UNCHANGED:
                result.append_row_result(row)
        return result


def cells_before(upload: Upload) -> dict[str, dict[str, str]]:
    """By SKU, the cells of the products in the file as they are now."""
    skus = [record.cells.get("sku", "").strip().replace("\0", "") for record in records(upload.lines(), SHEET)]
    names = category_texts() | {None: ""}
    products = Product.objects.filter(sku__in=skus)
    return {product.sku: cells_of(product, names[product.category_id]) for product in products}


def add_refusals(result: Result, upload: Upload, refusals: Iterable[Refusal]) -> None:
    """Notes what is wrong, line by line, with what stands there."""
    faults: dict[int, dict[str, list[str]]] = {}
    for refusal in refusals:
        faults.setdefault(refusal.line, {}).setdefault(refusal.field or "line", []).append(refusal.reason)
    result.totals[RowResult.IMPORT_TYPE_INVALID] = len(faults)
    for record in records(upload.lines(), SHEET):
        if record.line in faults:
            result.append_invalid_row(record.line, record.cells, ValidationError(faults[record.line]))


def row_result(stored: Stored, before: dict[str, str] | None) -> RowResult:
    """A line of the preview, and what the log needs to know of it."""
    row = RowResult()
    row.import_type = SHOWN_AS[stored.kind]
    row.instance = Product(pk=stored.product_id, name=stored.row.name)
    row.add_instance_info(row.instance)
    row.diff = [difference(getattr(stored.row, column), (before or {}).get(column)) for column in COLUMNS]
    return row


def difference(asked: str | bool | int | Decimal | None, before: str | None) -> str:
    """A cell of the preview: what will stand there, and what stands there if that is something else."""
    after = before or NOTHING if asked is None else cell(asked)
    return (
        after if before in (None, after) or asked is None else format_html("<del>{}</del> <ins>{}</ins>", before, after)
    )


class TransferAdmin(TransferScreens):
    """The buttons *Import* and *Export* of the list of products, and the pages behind them."""

    resource_classes = [ProductResource]
    formats = [ProductCSV]
    import_form_class = ProductsForm
    confirm_form_class = ConfirmForm
    tmp_storage_class = Waiting
    skip_export_form = True

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whoever may add and change products."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may see them."""
        return self.has_view_permission(request)

    def add_data_read_fail_error_to_form(self, form: Any, error: Exception) -> None:
        """Says what is wrong with the file in our words."""
        if isinstance(error, WrongSheetError | TooManyError | UploadGoneError):
            form.add_error("import_file", str(error))
        else:
            super().add_data_read_fail_error_to_form(form, error)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Stores what was looked through and confirmed."""
        try:
            return super().process_import(request, **kwargs)
        except UploadGoneError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:catalog_product_import"))

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        """Counts, and what others came before in since the preview."""
        new, changed, same = (result.totals[kind] for kind in SHOWN_AS.values())
        self.message_user(request, f"Products: {new:,} added, {changed:,} changed, {same:,} the same already.")
        if result.invalid_rows:
            told = [str(row.number) for row in result.invalid_rows[:TOLD]]
            lines = ", ".join(told + ["..."] * (len(result.invalid_rows) > TOLD))
            text = f"Refused, as others changed products meanwhile: lines {lines}. Import the file again."
            self.message_user(request, text, messages.ERROR)

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """The list as it is filtered; of filters that are none nothing, rather than everything."""
        try:
            return super().export_action(request)
        except IncorrectLookupParameters:
            self.message_user(request, "There is no such filter. Choose anew what to export.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:catalog_product_changelist"))

    def _do_file_export(self, file_format: ProductCSV, request: HttpRequest, queryset: Any, **_options: Any) -> Any:
        """The list as it is filtered, as a stream: the package would hold it in memory."""
        name = self.get_export_filename(request, queryset, file_format)
        return StreamingHttpResponse(
            product_lines(queryset),
            content_type=file_format.get_content_type(),
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
