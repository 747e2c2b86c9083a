"""The web process: `gunicorn config.wsgi`."""

import os

import django

from core.garbage import keep_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.urls import reverse  # noqa: E402 - what these lead to can be imported once Django is set up

from config.lanes import LanesHandler  # noqa: E402

reverse("admin:index")  # reads all addresses: half a second, for which the first request would wait
application = LanesHandler()
keep_what_is_loaded()
