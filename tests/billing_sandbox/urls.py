"""The sandbox alone, where the shop mounts it."""

from django.urls import include, path

urlpatterns = [path("billing/", include("billing_sandbox.urls"))]
