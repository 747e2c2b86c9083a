"""Paths below /api/v1/."""

from django.urls import path

from catalog import api

urlpatterns = [
    path("storefront/categories", api.CategoryListView.as_view()),
    path("storefront/products", api.ProductListView.as_view()),
    path("storefront/products/<str:slug_or_id>", api.ProductView.as_view()),
]
