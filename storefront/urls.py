"""Addresses of the demo shop, under `/shop/`.

Billing's `returnUrl` leads to `order`, the links in mails to `verify` and `reset`.
"""

from django.urls import path

from storefront.views import ShopPage

app_name = "storefront"
PAGES = {
    "": ("products", "product_list"),
    "products/<str:slug>": ("product", "product"),
    "cart": ("cart", "cart"),
    "checkout": ("checkout", "checkout"),
    "orders": ("orders", "orders"),
    "orders/<uuid:order_id>": ("order", "order"),
    "orders/<uuid:order_id>/invoice": ("invoice", "invoice"),
    "account": ("account", "account"),
    "account/addresses": ("addresses", "addresses"),
    "account/data": ("data", "data"),
    "account/login": ("login", "login"),
    "account/register": ("register", "register"),
    "account/forgotten": ("forgotten", "forgotten"),
    "account/verify": ("verify", "verify"),
    "account/reset": ("reset", "reset"),
}
"""Name and template of each address."""

urlpatterns = [
    path(address, ShopPage.as_view(template_name=f"storefront/{template}.html"), name=name)
    for address, (name, template) in PAGES.items()
]
