"""What the admin tells after a change, until the next page shows it.

It stays in the browser of whoever is told, as Django has it: a new API token is told so, and no table may hold one.
What is too long for a cookie goes into the session.
"""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class OwnCookieStorage(CookieStorage):
    """A cookie that browsers take from this host alone."""

    cookie_name = f"{settings.COOKIE_PREFIX}messages"


class MessageStorage(FallbackStorage):
    """The cookie, then the session."""

    storage_classes = (OwnCookieStorage, SessionStorage)
