"""The demo shop: static pages and small scripts over the public API. Development only."""

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    """Has no models and no rules: what it shows comes from `/api/v1` in the browser."""

    name = "storefront"
    verbose_name = "Demo shop"
