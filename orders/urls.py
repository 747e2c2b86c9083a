"""Paths below /api/v1/."""

from django.urls import path

from orders import api, ops_api

urlpatterns = [
    path("orders", api.OrderListView.as_view()),
    path("orders/<uuid:order_id>", api.OrderView.as_view()),
    path("orders/<uuid:order_id>/session", api.OrderSessionView.as_view()),
    path("orders/<uuid:order_id>/retry-payment", api.RetryPaymentView.as_view()),
    path("orders/<uuid:order_id>/cancel", api.CancelOrderView.as_view()),
    path("ops/checkout-sessions/check", ops_api.CheckPaymentsView.as_view()),
    path("billing/webhook", api.BillingWebhookView.as_view()),
    path("billing/<slug:provider>", api.ProviderWebhookView.as_view()),
]
