"""The shop with bugs in it: whatever fails has somebody's data in its hands. For gunicorn and for celery."""

from __future__ import annotations

from typing import Any, NoReturn

from config.wsgi import application  # isort: skip - it sets Django up

from django.core.mail import EmailMessage
from django.db import connection
from django.http import HttpRequest
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from config import urls
from config.celery import app
from customers.models import User

__all__ = ["app", "application"]
MARKS = ("marked-somebody@people.example", "Markedia Markovna", "marked-password-8472")
EMAIL, NAME, PASSWORD = MARKS


class ApiView(APIView):
    """Breaks a rule of the database, in the API."""

    def get(self, request: Request) -> NoReturn:
        write_twice()
        raise AssertionError


def page(request: HttpRequest) -> NoReturn:
    """The same on a page."""
    write_twice()
    raise AssertionError


def in_hands(request: HttpRequest) -> NoReturn:
    """Fails with somebody's data in its variables."""
    message = EmailMessage(subject=NAME, body=PASSWORD, to=[EMAIL])
    raise RuntimeError(type(message).__name__)


def mistyped(request: HttpRequest) -> NoReturn:
    """PostgreSQL says which text is no number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text::integer", [EMAIL])
    raise AssertionError


def write_twice() -> None:
    """Two accounts of one address; the second is refused."""
    for _time in range(2):
        User.objects.create(email=EMAIL, password=PASSWORD)


@app.task(name="faulty.send")
def send(*args: Any, **kwargs: Any) -> None:
    """A task that is given somebody's data and fails, at first in itself and then in the database."""
    if kwargs.get("write"):
        write_twice()
    raise RuntimeError


urls.urlpatterns += [
    path("api/v1/faulty", ApiView.as_view()),
    path("faulty/page", page),
    path("faulty/in-hands", in_hands),
    path("faulty/mistyped", mistyped),
]
