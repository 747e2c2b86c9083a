"""The shop with two addresses more that nobody thought of."""

from django.urls import include, path

from config import health

urlpatterns = [
    path("", include("config.urls")),
    path("api/v1/orders/<uuid:order_id>/gift", health.livez),
    path("admin/secrets/", health.livez),
]
