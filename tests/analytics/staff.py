"""People at the admin."""

from django.contrib.auth.models import Permission
from django.test import Client

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
