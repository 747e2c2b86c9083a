"""Paths below /api/v1/."""

from django.urls import path

from customers import api

urlpatterns = [
    path("storefront/auth/register", api.RegisterView.as_view()),
    path("storefront/auth/verify-email", api.VerifyEmailView.as_view()),
    path("storefront/auth/login", api.LoginView.as_view()),
    path("storefront/auth/logout", api.LogoutView.as_view()),
    path("storefront/auth/password/reset", api.ResetPasswordView.as_view()),
    path("storefront/auth/password/reset/confirm", api.ConfirmResetView.as_view()),
    path("storefront/account", api.AccountView.as_view()),
    path("storefront/account/export", api.ExportAccountView.as_view()),
]
