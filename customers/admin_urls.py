"""Pages of accounts under `/admin/`, asked before the admin's own: its door, and everybody's second factor."""

from django.contrib import admin
from django.urls import path

from customers.admin_login import LoginCodeView, StaffLoginView
from customers.admin_password import OwnPasswordView
from customers.admin_second import LoginEnrolView, SecondFactorView

urlpatterns = [
    path("login/", StaffLoginView.as_view()),
    path("login/code/", LoginCodeView.as_view(), name="login_code"),
    path("login/second-factor/", LoginEnrolView.as_view(), name="login_enrol"),
    path("password_change/", admin.site.admin_view(OwnPasswordView.as_view())),
    path("second-factor/", admin.site.admin_view(SecondFactorView.as_view()), name="second_factor"),
]
