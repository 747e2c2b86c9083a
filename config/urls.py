"""Where everything is."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from config import health, metrics
from config.reference import SchemaView
from sessions_app.track import tracker_js

READ = ["get", "head"]
"""Of a page: what the REST framework would answer to OPTIONS has no template."""
api: list[URLPattern | URLResolver] = [
    path("health", health.health),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=READ), name="docs"),
    path("", include("catalog.urls")),  # by how often they are asked: paths are tried in this order
    path("", include("checkout.urls")),
    path("", include("orders.urls")),
    path("", include("sessions_app.urls")),
    path("", include("customers.urls")),
    path("", include("analytics.urls")),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(api)),
    path("admin/", include("customers.admin_urls")),
    path("admin/", include("analytics.admin_urls")),
    path("admin/", admin.site.urls),
    path("tracker.js", tracker_js),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
]
if settings.BILLING_SANDBOX:
    urlpatterns.append(path("billing/", include("billing_sandbox.urls")))
if settings.STOREFRONT:
    urlpatterns.append(path("shop/", include("storefront.urls")))
    urlpatterns.append(path("", RedirectView.as_view(url="/shop/")))

handler404 = "core.api.not_found"
handler500 = "core.api.server_error"
handler400 = "core.api.bad_request"
