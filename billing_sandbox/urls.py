"""Mounted at `/billing/`: the contract, the pay page, the list with the switches."""

from django.urls import path

from billing_sandbox import api, views

app_name = "billing_sandbox"
urlpatterns = [
    path("", views.index, name="index"),
    path("pay/<uuid:checkout_id>", views.pay, name="pay"),
    path("api/v1/paysession", api.open_session, name="open"),
    path("api/v1/paysession/<str:checkout_id>", api.read_session, name="session"),
    path("api/v1/paysession/<str:checkout_id>/cancel", api.cancel_session, name="cancel"),
    path("api/v1/paysession/<str:checkout_id>/refund", api.refund_session, name="refund"),
]
