"""Under `/admin/`, before the admin's own."""

from django.contrib import admin
from django.urls import path

from analytics.dashboard.pages import file, index, tiles

urlpatterns = [
    path("", admin.site.admin_view(index)),
    path("dashboard/tiles", admin.site.admin_view(tiles), name="dashboard_tiles"),
    path("dashboard/<slug:name>.csv", admin.site.admin_view(file), name="dashboard_csv"),
]
