"""Pages of figures under `/admin/`, asked before the admin's own."""

from django.contrib import admin
from django.urls import path
from django.views.decorators.gzip import gzip_page

from analytics import live_page
from analytics.dashboard import pages

urlpatterns = [
    path("", gzip_page(admin.site.admin_view(pages.index))),
    path("dashboard/tiles", admin.site.admin_view(pages.tiles), name="dashboard_tiles"),
    path("dashboard/<slug:name>.csv", admin.site.admin_view(pages.file), name="dashboard_csv"),
    path("dashboard/chart.png", admin.site.admin_view(pages.picture), name="dashboard_png"),
    path("dashboard/notes", admin.site.admin_view(pages.note), name="dashboard_note"),
    path("live/", gzip_page(admin.site.admin_view(live_page.page)), name="live"),
    path("live/figures/", admin.site.admin_view(live_page.figures), name="live_figures"),
]
