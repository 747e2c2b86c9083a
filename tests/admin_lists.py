"""What the tests of staff screens share."""

from urllib.parse import quote

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def list_of(client: Client, model: str, **filters: str) -> str:
    """The page of a list; `model` as in `orders/order`, or with its filters as in `orders/order/?q=a`."""
    query = "&".join(f"{name}={quote(value)}" for name, value in filters.items())
    response = client.get(f"/admin/{model}" if "?" in model else f"/admin/{model}/?{query}")
    assert response.status_code == 200, response.headers
    return response.content.decode()


def queries_of(client: Client, model: str) -> int:
    """How many SQL statements a list takes, logging in aside."""
    with CaptureQueriesContext(connection) as captured:
        list_of(client, model)
    return len([query for query in captured if "django_session" not in query["sql"]])
