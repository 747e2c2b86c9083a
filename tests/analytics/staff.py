"""People at the admin."""

from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import BrowserContext

from customers.models import User
from tests.factories import UserFactory


def member(*permissions: str) -> User:
    """A staff member with these permissions, named `app.codename`."""
    user = UserFactory(is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def logged_in(user: User) -> Client:
    """A browser of that person."""
    client = Client()
    client.force_login(user)
    return client


def let_in(context: BrowserContext, client: Client, shop: str) -> None:
    """A window of a real browser with the login of that one, in the shop at this address."""
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": shop}])
