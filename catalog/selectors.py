"""Reads of products."""

from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from core.errors import InvalidInputError, NotFoundError
from core.pages import decode_cursor, page_of


def product_page(*, search: str, category: str, cursor: str) -> tuple[list[Product], str | None]:
    """A page of active products by name, and the cursor of the next.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    products = Product.objects.active().select_related("category").matching(search).order_by("name", "id")
    if category:
        products = products.filter(category__slug=category)
    if cursor:
        name, product_id = decode_cursor(cursor, 2)
        products = products.filter(Q(name__gt=name) | Q(name=name, id__gt=product_uuid(product_id)))
    return page_of(products, lambda product: [product.name, product.id])


def product_uuid(text: str) -> UUID:
    """The id in a cursor.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInputError(_("This cursor is not valid.")) from None


def find_product(slug_or_id: str) -> Product:
    """An active product by slug or id.

    Raises:
        NotFoundError: there is none for sale.
    """
    try:
        wanted = Q(id=UUID(slug_or_id))
    except ValueError:
        wanted = Q(slug=slug_or_id.replace("\0", ""))  # PostgreSQL cannot be asked about a null byte
    try:
        return Product.objects.active().select_related("category").get(wanted)
    except Product.DoesNotExist:
        raise NotFoundError(_("There is no such product.")) from None
