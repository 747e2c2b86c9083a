"""The demo shop alone, where config/urls.py puts it."""

from django.urls import include, path

urlpatterns = [path("shop/", include("storefront.urls"))]
