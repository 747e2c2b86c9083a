"""The web process: `gunicorn config.wsgi`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.lanes import LanesHandler  # noqa: E402 - what it leads to can be imported once Django is set up

application = LanesHandler()
