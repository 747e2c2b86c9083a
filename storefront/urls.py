"""Addresses of the demo shop, under `/shop/`. Billing's `returnUrl` leads to `order`."""

from django.urls import path

from storefront.views import ShopPage

app_name = "storefront"
urlpatterns = [
    path("", ShopPage.as_view(template_name="storefront/product_list.html"), name="products"),
    path("products/<str:slug>", ShopPage.as_view(template_name="storefront/product.html"), name="product"),
    path("cart", ShopPage.as_view(template_name="storefront/cart.html"), name="cart"),
    path("checkout", ShopPage.as_view(template_name="storefront/checkout.html"), name="checkout"),
    path("orders/<uuid:order_id>", ShopPage.as_view(template_name="storefront/order.html"), name="order"),
]
