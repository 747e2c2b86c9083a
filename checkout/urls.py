"""Paths below /api/v1/."""

from django.urls import path

from checkout import api
from checkout.unsubscribe import UnsubscribeView

urlpatterns = [
    path("checkout/initiate", api.InitiateView.as_view()),
    path("checkout/calculate-shipping", api.CalculateShippingView.as_view()),
    path("checkout/calculate-tax", api.CalculateTaxView.as_view()),
    path("checkout/apply-coupon", api.ApplyCouponView.as_view()),
    path("checkout/confirm-order", api.ConfirmOrderView.as_view()),
    path("checkout/restore", api.RestoreView.as_view()),
    path("checkout/reminders/unsubscribe/<str:token>", UnsubscribeView.as_view()),
    path("checkout/<uuid:checkout_id>", api.CheckoutView.as_view()),
    path("checkout/<uuid:checkout_id>/items", api.ItemsView.as_view()),
    path("checkout/<uuid:checkout_id>/coupon", api.CouponView.as_view()),
    path("orders/create-from-cart", api.CreateFromCartView.as_view()),
]
