"""The least that Django can do: one view, no middleware, no look at what was sent."""

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, re_path


def answer(request: HttpRequest) -> JsonResponse:
    """JSON. With its length, which spares gunicorn a chunk."""
    return JsonResponse({"accepted": 1}, headers={"Content-Length": "15"})


urlpatterns: list[URLPattern] = [re_path("", answer)]
application = get_wsgi_application()
