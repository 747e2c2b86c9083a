"""Products and categories as JSON."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from catalog.models import Product
from core.serializers import CamelSerializer, MoneyOut


class ProductOut(CamelSerializer):
    """A product. `available` is null when its stock is not tracked."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    sku = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    category = serializers.SlugField(allow_null=True)
    price = MoneyOut()
    currency = serializers.CharField()
    thumbnail = serializers.CharField()
    available = serializers.IntegerField(allow_null=True)


class ProductListOut(CamelSerializer):
    """A page of products; `next` is the cursor of the page after it."""

    items = ProductOut(many=True)
    next = serializers.CharField(allow_null=True)


class CategoryOut(CamelSerializer):
    """A category; its slug is what `?category=` takes."""

    slug = serializers.SlugField()
    name = serializers.CharField()


class CategoryListOut(CamelSerializer):
    """A page of categories; `next` is the cursor of the page after it."""

    items = CategoryOut(many=True)
    next = serializers.CharField(allow_null=True)


def product_body(product: Product) -> dict[str, Any]:
    """The product as `ProductOut` shows it."""
    names = ("id", "slug", "sku", "name", "description", "price", "thumbnail", "available")
    return {name: getattr(product, name) for name in names} | {
        "category": product.category.slug if product.category else None,
        "currency": settings.SHOP_CURRENCY,
    }
