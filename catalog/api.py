"""Products and categories over HTTP."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.selectors import category_page, find_product, product_page
from catalog.serializers import CategoryListOut, ProductListOut, ProductOut, product_body
from core.api import success
from core.pages import text_parameter
from core.schema import enveloped
from core.visits import count_view


class ProductListView(APIView):
    """Active products by name; those that a search finds by how well they fit, then by name.

    Every word of `search` begins a word of name, SKU or description, whatever its case and accents.
    """

    @extend_schema(
        parameters=[OpenApiParameter("search"), OpenApiParameter("category"), OpenApiParameter("cursor")],
        responses=enveloped(ProductListOut, "ProductList"),
    )
    def get(self, request: Request) -> Response:
        products, following = product_page(
            search=text_parameter(request, "search"),
            category=text_parameter(request, "category"),
            cursor=text_parameter(request, "cursor"),
        )
        count_view(request)
        return success(ProductListOut({"items": [product_body(p) for p in products], "next": following}).data)


class ProductView(APIView):
    """One product, by slug or id."""

    @extend_schema(responses=enveloped(ProductOut, "Product"))
    def get(self, request: Request, slug_or_id: str) -> Response:
        product = find_product(slug_or_id)
        count_view(request, product_id=product.id)
        return success(ProductOut(product_body(product)).data)


class CategoryListView(APIView):
    """The categories with something for sale, by name."""

    @extend_schema(parameters=[OpenApiParameter("cursor")], responses=enveloped(CategoryListOut, "CategoryList"))
    def get(self, request: Request) -> Response:
        categories, following = category_page(cursor=text_parameter(request, "cursor"))
        return success(CategoryListOut({"items": categories, "next": following}).data)
